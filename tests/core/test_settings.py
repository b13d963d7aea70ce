"""Settings: the environment is right as a whole, or every fault of it is named in one line."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.errors import SettingsError
from volume_images.settings import Settings

LEAST = {
    "VOLUME_IMAGES_CONFIG": "s3://acme-config/volume-images.yaml",
    "VOLUME_IMAGES_STORE": "s3://acme-state/volume-images",
    "VOLUME_IMAGES_DEPLOYMENT": "123456789012/eu-central-1/volume-images",
}


def parse(**changes: str) -> Settings:
    return Settings.parse(
        {**LEAST, **{f"VOLUME_IMAGES_{name}": text for name, text in changes.items()}}
    )


def test_what_is_not_set_has_the_documented_default() -> None:
    assert parse() == Settings(
        config="s3://acme-config/volume-images.yaml",
        store="s3://acme-state/volume-images",
        deployment="123456789012/eu-central-1/volume-images",
        secret_prefix="volume-images",
        minimum_grace=timedelta(hours=72),
        ca_bundle=None,
        clock_url=None,
        detailed_metrics=False,
    )


def test_an_empty_variable_counts_as_not_set() -> None:
    """A template passes an optional parameter that was left empty as an empty variable."""
    assert parse(CA_BUNDLE="", MINIMUM_GRACE=" ", CLOCK_URL="") == parse()


def test_every_variable_is_read() -> None:
    assert parse(
        CONFIG="/etc/volume-images.yaml",
        STORE="/var/lib/volume-images",
        SECRET_PREFIX="acme/volume-images",
        MINIMUM_GRACE="1d12h",
        EVENT_BUS="team/backup",
        HEARTBEAT_URL="https://watch.example.com/5f0c1a9e",
        CA_BUNDLE="s3://acme-config/ca.pem",
        CLOCK_URL="http://127.0.0.1:8080/clock",
        DETAILED_METRICS="true",
    ) == Settings(
        config="/etc/volume-images.yaml",
        store="/var/lib/volume-images",
        deployment=LEAST["VOLUME_IMAGES_DEPLOYMENT"],
        secret_prefix="acme/volume-images",
        minimum_grace=timedelta(hours=36),
        event_bus="team/backup",
        heartbeat_url="https://watch.example.com/5f0c1a9e",
        ca_bundle="s3://acme-config/ca.pem",
        clock_url="http://127.0.0.1:8080/clock",
        detailed_metrics=True,
    )


def test_the_deployment_id_is_twelve_digits_of_its_digest() -> None:
    digest = sha256(b"123456789012/eu-central-1/volume-images").hexdigest()

    assert parse().deployment_id == digest[:12]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("CONFIG", "s3://acme-config", "must be s3://bucket/key or a path"),
        ("CONFIG", "s3://acme-config/", "must be s3://bucket/key or a path"),
        ("CONFIG", "https://example.com/c.yaml", "must be s3://bucket/key or a path"),
        ("STORE", "s3://", "must be s3://bucket, s3://bucket/prefix or a folder"),
        ("STORE", "file:///tmp", "must be s3://bucket, s3://bucket/prefix or a folder"),
        ("DEPLOYMENT", "a\tb", "must be printable text"),
        ("SECRET_PREFIX", "/volume-images", "must be letters, digits and _+=.@-"),
        ("MINIMUM_GRACE", "0h", "must be from 1h to 3650d"),
        ("MINIMUM_GRACE", "59m", "must be days and hours, as in 72h, 3d or 1d12h"),
        ("MINIMUM_GRACE", "72", "must be days and hours, as in 72h, 3d or 1d12h"),
        ("MINIMUM_GRACE", "99999d", "must be from 1h to 3650d"),
        ("CA_BUNDLE", "s3://acme-config", "must be s3://bucket/key or a path"),
        ("CLOCK_URL", "http://clock.example.com", "must be a URL on loopback"),
        ("CLOCK_URL", "http://[::1", "must be a URL on loopback"),
        ("CLOCK_URL", "127.0.0.1:80", "must be a URL on loopback"),
        ("DETAILED_METRICS", "yes", "must be true or false"),
        ("EVENT_BUS", "two buses", "must be the name of an event bus"),
        ("HEARTBEAT_URL", "http://watch.example.com/x", "must be an https URL"),
        ("HEARTBEAT_URL", "https://me:you@watch.example.com", "must be an https URL"),
        ("HEARTBEAT_URL", "https://", "must be an https URL"),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_must_be(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(**{name: text})

    assert str(caught.value).startswith(f"VOLUME_IMAGES_{name} is {text!r}: {message}")


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({"VOLUME_IMAGES_STORE": "ftp://x", "VOLUME_IMAGES_MINIMUM_GRACE": "1"})

    assert str(caught.value) == (
        "VOLUME_IMAGES_CONFIG is not set; VOLUME_IMAGES_DEPLOYMENT is not set;"
        " VOLUME_IMAGES_STORE is 'ftp://x': must be s3://bucket, s3://bucket/prefix or a folder;"
        " VOLUME_IMAGES_MINIMUM_GRACE is '1': must be days and hours, as in 72h, 3d or 1d12h"
    )


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_a_clock_of_its_own_is_refused_beside_an_endpoint_that_is_not_on_loopback(
    name: str,
) -> None:
    clock = {"VOLUME_IMAGES_CLOCK_URL": "http://127.0.0.1:8080/clock"}
    Settings.parse({**LEAST, **clock, name: "http://localhost:5000"})

    with pytest.raises(SettingsError, match=f"{name} is no loopback URL"):
        Settings.parse({**LEAST, **clock, name: "https://s3.eu-central-1.amazonaws.com"})


@given(
    st.dictionaries(
        st.sampled_from(["CONFIG", "STORE", "DEPLOYMENT", "SECRET_PREFIX", "MINIMUM_GRACE"])
        | st.sampled_from(["CA_BUNDLE", "CLOCK_URL", "DETAILED_METRICS"])
        | st.sampled_from(["EVENT_BUS", "HEARTBEAT_URL"]),
        st.text(max_size=20) | st.sampled_from(["http://[", "s3://b/k", "1d", "true"]),
    )
)
@examples(150)
def test_an_arbitrary_environment_is_settings_or_one_line(environ: dict[str, str]) -> None:
    said: list[str] = []
    try:
        parse(**environ)
    except SettingsError as error:
        said = str(error).splitlines()

    assert len(said) <= 1
