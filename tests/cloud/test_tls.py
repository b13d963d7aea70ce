"""TLS is always verified, with one context for all connections."""

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cloud.scripted import PROJECT, StillClock, token_answer
from tests.sandbox.http_server import HttpServer
from tests.sandbox.wire import Request
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.cloud.wire import tls_context
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, SettingsError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a self-signed certificate for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        signed.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """Serve tokens over https."""
    ports: list[int] = []

    def answer(_: Request) -> object:
        return token_answer(1, f"https://127.0.0.1:{ports[0]}")

    server = HttpServer(answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = server._server  # noqa: SLF001 - the sandbox speaks plain http otherwise
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    ports.append(server.port)
    server.start()
    yield server.port
    server.stop()


def opened(port: int, host: str, tls: ssl.SSLContext) -> OpenedCloud:
    secret = (
        f'{{"auth_url": "https://{host}:{port}/identity/v3", "hosts": ["127.0.0.1"],'
        ' "username": "u", "password": "pass", "domain": "acme"}'
    )
    config = CloudConfig(dialect=Dialect.OPENSTACK, region="region-1", project="acme")
    return open_cloud(config, parse_secret(secret, "x"), clock=StillClock(), tls=tls)


def test_a_ca_bundle_is_trusted(port: int, certificate: Path) -> None:
    assert opened(port, "127.0.0.1", tls_context(str(certificate))).project_id == PROJECT


def test_an_unknown_authority_is_not_trusted(port: int) -> None:
    with pytest.raises(CloudUnavailable, match="certificate cannot be trusted: self"):
        opened(port, "127.0.0.1", tls_context())


def test_a_certificate_of_another_host_is_not_trusted(port: int, certificate: Path) -> None:
    with pytest.raises(CloudUnavailable, match="certificate cannot be trusted: Hostname mismatch"):
        opened(port, "localhost", tls_context(str(certificate)))


def test_a_wrong_ca_bundle_is_a_setting_to_correct(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        tls_context(str(tmp_path / "absent.pem"))
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate\n")
    with pytest.raises(SettingsError, match="not a PEM file"):
        tls_context(str(empty))


def test_public_authorities_stay_trusted_beside_a_bundle(certificate: Path) -> None:
    both = tls_context(str(certificate)).cert_store_stats()["x509_ca"]
    assert both == tls_context().cert_store_stats()["x509_ca"] + 1
    assert both > 50
