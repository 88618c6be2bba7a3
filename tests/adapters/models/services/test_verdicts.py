"""What single complaints mean; the contract of all services is in test_contract.py."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models import services
from llmops.adapters.models.services import Complaint, Kind, Mend
from llmops.documents.config import PROVIDERS, ModelConfig
from tests.adapters.models.services.servers import openai_error


def a_service(provider="openai", **more):
    values = {"model": "big-1", "base_url": "http://127.0.0.1:1/v1", "key_env": "BIG_KEY", **more}
    return services.of(ModelConfig(name="big", provider=provider, **values))


def read(value, status=400, headers=None, *, provider="openai") -> Complaint:
    data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return a_service(provider).read_error(status, data, headers)


UNSUPPORTED = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)


@pytest.mark.parametrize(
    ("value", "status", "kind"),
    [
        # Two that look like a limit of the account, and are not: waiting would not help.
        (
            openai_error("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"),
            429,
            Kind.REFUSED,
        ),
        (
            openai_error("Request too large for big-1 on tokens per min: Limit 100, Requested 900", "tokens"),
            429,
            Kind.INPUT,
        ),
        (openai_error("Project does not have access to model `x`", None, "model_not_found"), 403, Kind.MODEL),
        (openai_error("Country not supported", "request_forbidden", "unsupported_country"), 403, Kind.KEY),
        (openai_error("This server does not support embeddings", "not_supported_error", 501), 501, Kind.REFUSED),
        (openai_error("Tool `x` not found", "invalid_request_error", None, "tools"), 400, Kind.INPUT),
        (
            openai_error(
                "Unsupported value: 'temperature' does not support 0", None, "unsupported_value", "temperature"
            ),
            400,
            Kind.REFUSED,
        ),
        (openai_error("Unknown parameter: 'made_up'.", None, "unknown_parameter", "made_up"), 400, Kind.REFUSED),
        (
            openai_error("Invalid prompt: flagged as violating our usage policy.", None, "invalid_prompt"),
            400,
            Kind.CONTENT_FILTER,
        ),
        (openai_error("maximum context length is 10 tokens", "server_error"), 500, Kind.INPUT),
        ("", 413, Kind.INPUT),
        ("Conflict", 409, Kind.AGAIN),
        ("", 529, Kind.AGAIN),
        ("Payment Required", 402, Kind.REFUSED),
        ("<html>Proxy Authentication Required</html>", 407, Kind.KEY),
        ("I'm a teapot", 418, Kind.REFUSED),
        ("<html><title>502 Bad Gateway</title></html>", 502, Kind.AGAIN),
        ("<!doctype html><title>Welcome</title>", 200, Kind.ADDRESS),
        ("not json", 200, Kind.AGAIN),
        (openai_error("too many", "rate_limit", 429), 200, Kind.LIMITED),
        (openai_error("bad", "BadRequestError", 400), 200, Kind.INPUT),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_complaint_is_of_its_kind(value, status, kind):
    assert read(value, status).kind is kind


@pytest.mark.parametrize("quoted", ["My renovation is over budget", "What is a content management policy?"])
def test_a_question_that_is_quoted_is_not_taken_for_the_services_own_words(quoted):
    value = {"detail": [{"loc": ["body", "messages", 0], "msg": f"not a message: {quoted}"}]}
    assert read(value, 422, provider="vllm").kind is Kind.INPUT


@pytest.mark.parametrize("padding", [0, 280, 295, 300, 400])
def test_long_words_are_cut_between_words_so_that_no_half_of_a_key_is_left(padding):
    found = read(openai_error(f"{'x' * padding}sk-test-0123456789abcdef was refused {'y ' * 300}"), 401)
    assert len(found.words) <= 300
    assert ("sk-test-0123456789abcdef" in found.words) is ("sk-" in found.words)


def test_a_redirect_names_where_to_and_is_not_followed():
    found = read("", 307, {"Location": "https://evil.example/v1/sk-test-0123456789"})
    assert found.kind is Kind.ADDRESS
    assert "redirects to https://evil.example, and" in found.words


def test_a_filter_says_what_it_found():
    inner = {"content_filter_result": {"violence": {"filtered": True, "severity": "high"}}}
    value = {"error": {"message": "Filtered.", "code": "content_filter", "innererror": inner}}
    assert read(value, provider="azure").words == "content filter (violence: high): Filtered."


def test_max_tokens_has_another_name_for_models_that_say_so():
    found = read(openai_error(UNSUPPORTED, "invalid_request_error", "unsupported_parameter", "max_tokens"))
    assert (found.kind, found.mend) == (Kind.MEND, Mend.COMPLETION_TOKENS)
    body = {"model": "o9", "max_tokens": 5, "messages": []}
    assert found.mend.apply(body) == {"model": "o9", "max_completion_tokens": 5, "messages": []}
    assert found.mend.apply({"model": "o9"}) == {"model": "o9"}


@pytest.mark.parametrize(
    "message",
    [
        "Failed to deserialize the JSON body into the target type: response_format: missing field `value` at line 1",
        "response_format.type: unknown variant `json_schema`, expected one of `json`, `regex`",
    ],
)
def test_older_tgi_gets_the_schema_where_it_looks_for_it(message):
    found = read(message, 422, provider="huggingface")
    assert (found.kind, found.mend) == (Kind.MEND, Mend.FORMAT_BY_VALUE)
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    mended = found.mend.apply({"response_format": form, "seed": 1})
    assert mended == {"response_format": {"type": "json_object", "value": {"type": "object"}}, "seed": 1}
    assert found.mend.apply(mended) == mended
    assert found.mend.apply({"seed": 1}) == {"seed": 1}


@pytest.mark.parametrize(
    ("message", "names", "status"),
    [
        ("Budget has been exceeded! Current cost: 76.16, Max budget: 10.0", "budget_exceeded", 400),
        ("Budget has been exceeded! Current cost: 26.0, Max budget: 0.25", "budget_exceeded", 429),
        ("ExceededBudget: End User=a over budget. Spend=2, Budget=1", "auth_error", 401),
        ("No deployments available - crossed budget: Exceeded budget for deployment", None, 429),
        ("litellm.BadRequestError: OpenAIException - Budget has been exceeded! Current cost: 1", None, 400),
    ],
)
def test_a_budget_that_is_spent_at_a_proxy_is_no_limit_to_wait_for(message, names, status):
    found = read(openai_error(message, names, str(status)), status, provider="litellm")
    assert (found.kind, "budget" in found.hint) == (Kind.REFUSED, True)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("litellm.RateLimitError: RateLimitError: OpenAIException - slow down", Kind.LIMITED),
        ("litellm.Timeout: APITimeoutError - Request timed out", Kind.AGAIN),
        ("litellm.ServiceUnavailableError: AzureException - busy", Kind.AGAIN),
    ],
)
def test_what_a_proxy_passes_on_as_its_own_400_is_read_by_its_words(message, kind):
    assert read(openai_error(message, None, "400"), provider="litellm").kind is kind


def test_a_full_queue_of_tgi_is_no_limit_of_the_account():
    found = read({"error": "Model is overloaded", "error_type": "overloaded"}, 429, provider="huggingface")
    assert found.kind is Kind.AGAIN


def test_a_model_of_ollama_that_cannot_use_tools_is_refused_for_all_requests():
    found = read(openai_error("registry.ollama.ai/library/x does not support tools", "api_error"), provider="ollama")
    assert found.kind is Kind.REFUSED


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        ("ollama", "ollama pull big-1"),
        ("vllm", "/models"),
        ("azure", "deployment 'big-1'"),
        ("huggingface", "ORGANISATION/MODEL"),
    ],
)
def test_an_unknown_model_comes_with_what_to_do_at_that_service(provider, says):
    value = openai_error("The model `big-1` does not exist.", "NotFoundError", "DeploymentNotFound")
    assert says in read(value, 404, provider=provider).hint


@pytest.mark.parametrize("provider", PROVIDERS)
@given(
    status=st.integers(200, 599),
    value=st.binary(max_size=80)
    | st.builds(lambda text: json.dumps(openai_error(text)).encode(), st.text(max_size=80)),
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "Location", "x-ratelimit-reset-tokens"]), st.text(max_size=9)
    ),
)
def test_every_reply_is_of_some_kind_in_few_words(provider, status, value, headers):
    found = a_service(provider).read_error(status, value, headers)
    assert found.kind in Kind
    assert len(found.words) <= 300
    assert (found.mend is not None) is (found.kind is Kind.MEND)


@pytest.mark.parametrize(
    "address",
    ["https://x.openai.azure.com", "https://x.openai.azure.com/openai", "https://x.openai.azure.com/openai/v1/"],
)
def test_azure_is_found_by_the_address_of_the_resource_however_it_is_written(address):
    dated = a_service("azure", base_url=address, deployment="ours", api_version="2024-10-21")
    base = "https://x.openai.azure.com/openai"
    assert dated.url("/embeddings") == f"{base}/deployments/ours/embeddings?api-version=2024-10-21"
    assert "model" not in dated.adapt({"model": "big-1", "seed": 1})
    for version, query in (("", ""), ("preview", "?api-version=preview")):
        newer = a_service("azure", base_url=address, deployment="ours", api_version=version)
        assert newer.url("/chat/completions") == f"{base}/v1/chat/completions{query}"
        assert newer.adapt({"model": "big-1"}) == {"model": "ours"}


def test_azure_takes_a_token_as_others_take_a_key():
    from llmops.adapters.keys import Secret

    service = a_service("azure")
    assert service.headers(Secret(value="k")) == {"api-key": "k"}
    assert service.headers(Secret(value="t", is_token=True)) == {"Authorization": "Bearer t"}


def test_an_address_with_a_deployment_or_a_query_in_it_is_refused():
    from llmops.errors import CannotAsk

    with pytest.raises(CannotAsk) as caught:
        a_service("azure", base_url="https://x.openai.azure.com/openai/deployments/ours")
    assert caught.value.code == "MODEL_ADDRESS"
    with pytest.raises(CannotAsk) as caught:
        a_service(base_url="https://models.example/v1?key=secret").url("/embeddings")
    assert (caught.value.code, "secret" in caught.value.what) == ("MODEL_ADDRESS", False)


@pytest.mark.parametrize("field", ["model", "deployment"])
@pytest.mark.parametrize(
    "name", ["../../../team-b/collect?x=", "x/../../b#", ".", "..", "a?b", "a#b", "a%2fb", "a\\b", "a\r\nX: 1", "a\0"]
)
def test_no_name_of_a_deployment_chooses_another_address(field, name):
    from llmops.errors import CannotAsk

    for version in ("2024-10-21", ""):
        with pytest.raises(CannotAsk) as caught:
            a_service("azure", base_url="https://x.openai.azure.com", api_version=version, **{field: name})
        assert caught.value.code == "MODEL_ADDRESS"


@given(name=st.text(min_size=1, max_size=12), version=st.text(min_size=1, max_size=12))
def test_whatever_a_deployment_is_called_the_path_is_its_own(name, version):
    from urllib.parse import unquote, urlsplit

    from llmops.errors import CannotAsk

    try:
        url = a_service("azure", base_url="https://x.openai.azure.com", deployment=name, api_version=f"2{version}").url(
            "/embeddings"
        )
    except CannotAsk:
        assert set(name) & set("/?#%.\\ ") or not name.isprintable()
        return
    parts = urlsplit(url)
    assert (parts.netloc, parts.fragment) == ("x.openai.azure.com", "")
    assert parts.path.split("/")[:3] == ["", "openai", "deployments"]
    assert unquote(parts.path.split("/")[3]) == name
    assert unquote(parts.query) == f"api-version=2{version}"


@pytest.mark.parametrize("provider", ["openai", "vllm", "ollama", "litellm", "huggingface"])
def test_a_models_name_is_no_part_of_another_services_address(provider):
    service = a_service(provider, base_url="https://models.example/v1", model="../../x?y=#z")
    assert service.url("/chat/completions") == "https://models.example/v1/chat/completions"
