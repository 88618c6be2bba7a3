import pytest

from llmops.adapters.models.asking.transport import proxy_for

PROXY = "http://proxy.example:3128"


@pytest.fixture
def proxied(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", PROXY)
    monkeypatch.setenv("http_proxy", PROXY)
    monkeypatch.setenv("no_proxy", "spared.example")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/v1", "http://localhost:9/v1", "http://10.1.2.3/v1", "https://spared.example/v1"]
)
def test_this_machine_private_networks_and_no_proxy_are_asked_directly(proxied, url):
    assert proxy_for(url) is None


def test_the_rest_goes_through_the_proxy(proxied):
    assert proxy_for("https://api.example/v1") == PROXY
