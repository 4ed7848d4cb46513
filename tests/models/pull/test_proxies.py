"""The user's proxy and certificates are used, and no others."""

import datetime as dt
import hashlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mirror import Answer, good, serving

from edged.config import Pull
from edged.errors import SourceDown, Unsupported
from edged.models.pull import addresses
from edged.models.pull.https import Web
from edged.models.pull.wanted import Wanted

HOST = "models.invalid"
CONTENT = b"the weights" * 1000
WANTED = Wanted(
    model="tiny",
    names=("model.bin",),
    sizes=frozenset({len(CONTENT)}),
    hashes=frozenset({hashlib.sha256(CONTENT).hexdigest()}),
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for the host, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    """As in an environment that names nothing."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return Web(Pull(tries=2, timeout_s=2), wait=lambda _seconds: None)


class Proxy:
    """A proxy for CONNECT that leads every host to one port; `asked`: what it was asked."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def serve(self) -> None:
        """One connection after the other, until the socket is closed."""
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                self.asked.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client))
                back.start()
                _pump(client, server)
                back.join()

    def close(self) -> None:
        """End `serve`."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side left first


@contextmanager
def proxying(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def test_https_goes_through_the_proxy_and_is_held_to_the_users_certificates(
    web: Web,
    tls: ssl.SSLContext,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(good(CONTENT), tls=tls) as mirror, proxying(mirror.port) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

        web.fetch(f"https://{HOST}/model.bin", WANTED, tmp_path / "part", lambda *_: None)
        web.close()

    assert (tmp_path / "part").read_bytes() == CONTENT
    assert proxy.asked[0].startswith(f"CONNECT {HOST}:443 ".encode())
    assert b"bWU6c2VjcmV0" in proxy.asked[0]


def test_a_server_that_nobody_vouches_for_is_refused_at_once(
    web: Web, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    with serving(good(CONTENT), tls=tls) as mirror, pytest.raises(SourceDown) as caught:
        url = f"https://127.0.0.1:{mirror.port}/model.bin"
        web.fetch(url, WANTED, tmp_path / "part", lambda *_: None)

    assert "certificate" in caught.value.message
    assert "SSL_CERT_FILE" in caught.value.fix
    assert not mirror.asked


def test_a_redirect_from_https_to_http_is_refused_even_on_this_machine(
    web: Web,
    tls: ssl.SSLContext,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(good(CONTENT)) as plain:
        away = Answer(status=302, headers={"Location": plain.url})
        with serving(away, tls=tls) as mirror, pytest.raises(Unsupported, match="without it"):
            url = f"https://127.0.0.1:{mirror.port}/model.bin"
            web.fetch(url, WANTED, tmp_path / "part", lambda *_: None)

    assert not plain.asked


def test_a_proxy_that_is_gone_is_told_without_its_password(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{port}")

    with pytest.raises(SourceDown, match="proxy") as caught:
        web.fetch(f"https://{HOST}/model.bin", WANTED, tmp_path / "part", lambda *_: None)

    assert "secret" not in f"{caught.value} {caught.value.fix} {caught.value.__cause__}"


def test_what_the_environment_excepts_goes_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "inside.invalid")

    assert addresses.proxy("https://models.invalid/x") == "http://proxy.invalid:3128"
    assert not addresses.proxy("https://inside.invalid/x")
    assert not addresses.proxy("http://127.0.0.1:80/x")
