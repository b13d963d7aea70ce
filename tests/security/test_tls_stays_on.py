"""No environment variable turns the verification of certificates off, nor adds an authority."""

import re
import ssl
from pathlib import Path

import pytest
from botocore.exceptions import SSLError

from tests.cloud.test_tls import certificate, opened, port  # noqa: F401 - fixtures
from volume_images.cloud.wire import tls_context
from volume_images.connections import Connections
from volume_images.errors import CloudUnavailable, StoreError
from volume_images.storage.address import S3Address
from volume_images.storage.s3 import read_object

CODE = Path(__file__).parents[2]
SWITCHES = ("0", "false", "", "no")
OFF = ("PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY", "AWS_VERIFY_SSL", "CURL_INSECURE", "OS_INSECURE")
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OS_CACERT")
FORBIDDEN = re.compile(
    r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context"
    r"|InsecureRequestWarning|disable_warnings|insecure\s*=\s*True"
)


def test_no_line_of_the_code_turns_it_off() -> None:
    sources = [*CODE.glob("layers/**/*.py"), *CODE.glob("functions/**/*.py")]
    assert len(sources) > 100
    assert [str(path) for path in sources if FORBIDDEN.search(path.read_text())] == []


@pytest.mark.parametrize("name", OFF)
@pytest.mark.parametrize("value", SWITCHES)
def test_no_variable_turns_it_off_for_a_cloud(
    monkeypatch: pytest.MonkeyPatch,
    port: int,  # noqa: F811
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CloudUnavailable, match="certificate cannot be trusted: self"):
        opened(port, "127.0.0.1", tls_context())


@pytest.mark.parametrize("name", TRUST)
def test_no_variable_adds_an_authority_for_a_cloud(
    monkeypatch: pytest.MonkeyPatch,
    port: int,  # noqa: F811
    certificate: Path,  # noqa: F811
    name: str,
) -> None:
    monkeypatch.setenv(name, str(certificate.parent if name.endswith("DIR") else certificate))
    with pytest.raises(CloudUnavailable, match="certificate cannot be trusted: self"):
        opened(port, "127.0.0.1", tls_context())


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_no_variable_leads_a_cloud_s_secret_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
    port: int,  # noqa: F811
    certificate: Path,  # noqa: F811
    name: str,
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert opened(port, "127.0.0.1", tls_context(str(certificate))).project_id


def test_the_context_verifies_names_and_chains_by_today_s_protocols() -> None:
    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.slow
def test_no_variable_turns_it_off_for_aws(
    monkeypatch: pytest.MonkeyPatch,
    port: int,  # noqa: F811
) -> None:
    """AWS is somebody here whose certificate nobody signed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{port}")
    for name in OFF:
        monkeypatch.setenv(name, "0")
    with pytest.raises(StoreError, match="no answer from S3") as caught:
        read_object(Connections().s3, S3Address("bucket", "config.yaml"), 100)
    assert isinstance(caught.value.__cause__, SSLError)
