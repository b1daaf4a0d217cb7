"""Speaking HTTP: what counts as an answer, and which servers are spoken to."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reader_agent.server import NotSent, Server


class _Handler(BaseHTTPRequestHandler):
    answers = b"{}"
    date = "Tue, 01 Sep 2026 08:00:00 GMT"
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response_only(200)
        self.send_header("Date", self.date)
        self.send_header("Content-Length", str(len(self.answers)))
        self.end_headers()
        self.wfile.write(self.answers)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def handler() -> type[_Handler]:
    return type("Handler", (_Handler,), {"seen": []})


@pytest.fixture
def plain(handler: type[_Handler]) -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secure(plain: ThreadingHTTPServer, certificate: Path) -> str:
    """The same server behind TLS; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    plain.socket = context.wrap_socket(plain.socket, server_side=True)
    return f"https://127.0.0.1:{plain.server_port}"


def url_of(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_the_language_is_asked_for(plain: ThreadingHTTPServer, handler: type[_Handler]) -> None:
    answer = Server(url_of(plain), lang="en").send("GET", "/")
    assert (answer.status, answer.data) == (200, {})
    assert answer.date == datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    assert handler.seen[0]["accept-language"] == "en"


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b"\xff", b"[" * 50_000])
def test_what_is_no_json_object_is_no_data(
    content: bytes, plain: ThreadingHTTPServer, handler: type[_Handler]
) -> None:
    handler.answers = content
    assert Server(url_of(plain)).send("GET", "/").data is None


def test_an_endless_answer_is_not_read_to_its_end(
    plain: ThreadingHTTPServer, handler: type[_Handler]
) -> None:
    handler.answers = b'{"a":"' + b"x" * (1 << 20) + b'"}'
    assert Server(url_of(plain)).send("GET", "/").data is None


@pytest.mark.parametrize("date", ["yesterday", "Tue, 01 Sep 2026 08:00:00 -0000", ""])
def test_a_date_that_cannot_be_trusted_is_none(
    date: str, plain: ThreadingHTTPServer, handler: type[_Handler]
) -> None:
    handler.date = date
    assert Server(url_of(plain)).send("GET", "/").date is None


def test_a_certificate_that_nobody_vouches_for_is_not_spoken_to(
    secure: str, handler: type[_Handler]
) -> None:
    with pytest.raises(NotSent):
        Server(secure).send("GET", "/")
    assert handler.seen == []


def test_a_certificate_that_the_machine_trusts_is_spoken_to(
    secure: str, certificate: Path, handler: type[_Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert Server(secure).send("GET", "/").status == 200
    assert len(handler.seen) == 1
