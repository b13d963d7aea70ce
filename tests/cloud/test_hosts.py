"""A secret and its tokens go only where the secret says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volume_images.cloud.hosts import AllowedHosts
from volume_images.errors import HostNotAllowed

HOSTS = AllowedHosts.of("https://keystone.example.com:5000/v3", ("cinder.example.com",))


@pytest.mark.parametrize(
    "url",
    [
        "https://keystone.example.com/v3",
        "https://keystone.example.com:35357/v3",
        "https://KEYSTONE.example.com./v3",
        "https://cinder.example.com:8776/v3/p",
        "https://evs.eu-de.otc.t-systems.com/v2",
        "https://ims.eu-west-101.myhuaweicloud.com",
        "https://iam.eu-west-101.myhuaweicloud.eu/v3",
        "https://myhuaweicloud.com",
    ],
)
def test_the_secrets_own_hosts_and_the_vendors_domains_are_allowed(url: str) -> None:
    HOSTS.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://keystone.example.com.evil.org/",
        "https://evilmyhuaweicloud.com/",
        "https://myhuaweicloud.com.evil.org/",
        "https://glance.cinder.example.com/",
        "https://10.0.0.1/",
        "http://keystone.example.com/v3",
        "ftp://keystone.example.com/",
        "keystone.example.com",
        "https://user:word@keystone.example.com/",
        "https://evil.org\\@keystone.example.com/",
        "https://keystone.example.com\x00.evil.org/",
        "https://[::1",
        "https:///v3",
        "",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(HostNotAllowed):
        HOSTS.check(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "[::1]"])
def test_plain_http_is_allowed_on_loopback_alone(host: str) -> None:
    AllowedHosts.of(f"http://{host}:5000/v3", ()).check(f"http://{host}:9292/v2")


def test_plain_http_to_a_listed_host_elsewhere_is_refused() -> None:
    with pytest.raises(HostNotAllowed, match="only https"):
        AllowedHosts.of("https://10.0.0.1/v3", ()).check("http://10.0.0.1/v3")


def test_the_message_says_what_to_do_and_shows_no_password() -> None:
    with pytest.raises(HostNotAllowed, match="add it to `hosts` of the secret"):
        HOSTS.check("https://glance.example.com/")
    with pytest.raises(HostNotAllowed) as caught:
        HOSTS.check("https://user:word-of-pass@/v3")
    assert "word-of-pass" not in str(caught.value)


@given(st.text(max_size=60))
def test_an_unlisted_host_is_refused_whatever_its_spelling(text: str) -> None:
    with pytest.raises(HostNotAllowed):
        AllowedHosts.of("https://a.example/", ()).check(f"https://b.example{text}")
