"""Endpoints that cannot be asked at all: wrong key, model, address, certificate. The run ends at once, with exit 2."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.faults.scene import CASES, KEY_ENV, Scene, complains, everywhere
from tests.servers.model_server import Act, ModelServer, serving

HTML = b"<html><head><title>404 Not Found</title></head><body>nginx</body></html>"


def test_a_wrong_key(scene: Scene, server: ModelServer) -> None:
    told = f'{{"error": {{"message": "Incorrect API key provided: {scene.key}", "code": "invalid_api_key"}}}}'
    server.mischief = everywhere(Act(status=401, data=told.encode()))
    complains(scene.eval(), "KEY_REFUSED", KEY_ENV, "Incorrect API key provided: [key]")
    assert set(server.keys) == {f"Bearer {scene.key}"}
    server.mischief = None
    assert scene.eval().code == 0


def test_a_key_that_is_not_there(scene: Scene, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_ENV)
    complains(scene.eval(), "KEY_MISSING", KEY_ENV)
    assert server.requests == 0


def test_a_wrong_model(scene: Scene, server: ModelServer) -> None:
    told = b'{"error": {"message": "The model `scripted-1` does not exist", "code": "model_not_found"}}'
    server.mischief = everywhere(Act(status=404, data=told))
    complains(scene.eval(), "MODEL_NOT_FOUND", "scripted-1", "`model`", "llmops.yaml")


def test_a_wrong_model_for_the_judge_alone_keeps_the_answers(scene: Scene, server: ModelServer) -> None:
    told = b'{"error": {"message": "The model does not exist", "code": "model_not_found"}}'
    server.mischief = lambda asked: Act(status=404, data=told) if "response_format" in asked.body else None
    error = complains(scene.eval(), "MODEL_NOT_FOUND")
    assert f"of {CASES} answers are kept, the same command continues" in error["hint"]
    answered = {asked.said for asked in server.asked if "response_format" not in asked.body}
    server.mischief = None
    before = len(server.asked)
    assert scene.eval().code == 0
    again = {asked.said for asked in server.asked[before:] if "response_format" not in asked.body}
    assert len(answered | again) == CASES


def test_a_wrong_path(scene: Scene, server: ModelServer) -> None:
    server.mischief = everywhere(Act(status=404, data=HTML, headers={"Content-Type": "text/html"}))
    complains(scene.eval(), "MODEL_ADDRESS", "base_url")


def test_a_port_where_nobody_listens(scene: Scene) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        scene.write(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        complains(scene.eval(), "MODEL_UNAVAILABLE", "no connection", "check the endpoint")


def test_a_host_that_nobody_knows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    scene.write(base_url="https://models.invalid/v1")
    complains(scene.eval(), "MODEL_UNAVAILABLE", "models.invalid", "base_url", "DNS")


def test_a_redirect_is_not_followed_and_the_key_does_not_travel(scene: Scene, server: ModelServer) -> None:
    with serving() as elsewhere:
        to = f"{elsewhere.address}/chat/completions"
        server.mischief = everywhere(Act(status=301, data=b"", headers={"Location": to}))
        complains(scene.eval(), "MODEL_ADDRESS", "no redirect is followed", "base_url", str(elsewhere.port))
        assert elsewhere.requests == 0
        assert not elsewhere.keys


def test_a_stream_that_never_ends_costs_its_deadlines_and_then_the_run(scene: Scene, server: ModelServer) -> None:
    scene.write(timeout_seconds=0.5, concurrency=CASES)
    server.mischief = everywhere(Act(endless=True))
    complains(scene.eval(), "MODEL_UNAVAILABLE", "no answer within 0.5 s", "after 2 attempts")
    server.mischief = None
    assert scene.write().eval().code == 0


def test_a_request_that_hangs_once_is_asked_again(scene: Scene, server: ModelServer) -> None:
    scene.write(timeout_seconds=2)
    server.hang = 5
    done = scene.eval()
    assert done.code == 0, done.out + done.err
    assert server.requests == server.unique + 1


@pytest.fixture
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody trusts, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[ModelServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with serving(context) as server:
        yield server


def test_a_certificate_that_nobody_trusts(scene: Scene, secure: ModelServer) -> None:
    scene.write(base_url=secure.address)
    complains(scene.eval(), "MODEL_REFUSED", "no trusted connection", "SSL_CERT_FILE")
    assert secure.requests == 0


def test_the_hint_about_certificates_is_right(scene: Scene, secure: ModelServer, certificate: Path) -> None:
    scene.write(base_url=secure.address)
    done = scene.finish(scene.start(env={"SSL_CERT_FILE": str(certificate)}))
    assert done.code == 0, done.err
    assert secure.requests > 0


def test_plain_speech_to_a_port_that_wants_tls(scene: Scene, secure: ModelServer) -> None:
    scene.write(base_url=secure.address.replace("https:", "http:"))
    complains(scene.eval(), "MODEL_UNAVAILABLE")
    assert secure.requests == 0
