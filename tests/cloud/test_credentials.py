"""Secrets are read strictly, and never shown."""

import json
from pathlib import Path

import pytest

from volume_images.cloud.clouds_yaml import Place, has_entry, read_clouds_yaml, read_place
from volume_images.cloud.credentials import (
    AccessKey,
    Agency,
    ApplicationCredential,
    Domain,
    Password,
    Secret,
    parse_secret,
)
from volume_images.errors import CredentialError, HostNotAllowed

CANARY = "canary-9f3e"
AUTH = {"auth_url": "https://keystone.example.com/v3"}
PASSWORD = {"username": "u", "password": CANARY, "domain": "acme"}
TEMPORARY_KEY = {"access_key": "AK", "secret_key": CANARY, "security_token": f"{CANARY}-token"}
CREDENTIAL = {"application_credential_id": "a1", "application_credential_secret": CANARY}


def parsed(document: object) -> Secret:
    return parse_secret(json.dumps(document), "demo/export/otc")


def test_a_password_secret() -> None:
    secret = parsed({**AUTH, **PASSWORD, "hosts": ["Cinder.example.com", "10.0.0.1"]})
    assert secret.login == Password(username="u", password=CANARY, domain=Domain(name="acme"))
    assert secret.hosts == ("cinder.example.com", "10.0.0.1")
    assert secret.hidden == (CANARY,)
    secret.allowed_hosts.check("https://cinder.example.com/")


def test_an_application_credential_secret() -> None:
    secret = parsed({**AUTH, **CREDENTIAL})
    assert secret.login == ApplicationCredential(id="a1", secret=CANARY)
    assert secret.hidden == (CANARY,)


def test_an_access_key_secret() -> None:
    secret = parsed({**AUTH, "access_key": "AK", "secret_key": CANARY})
    assert secret.login == AccessKey(access_key="AK", secret_key=CANARY)
    assert secret.hidden == (CANARY,)


def test_a_temporary_access_key_has_a_security_token_to_hide_too() -> None:
    secret = parsed({**AUTH, **TEMPORARY_KEY, "domain_id": "d1"})
    login = AccessKey(
        access_key="AK", secret_key=CANARY, security_token=f"{CANARY}-token", domain_id="d1"
    )
    assert secret.login == login
    assert secret.hidden == (CANARY, f"{CANARY}-token")


def test_a_user_may_act_through_an_agency() -> None:
    secret = parsed({**AUTH, **PASSWORD, "agency": {"name": "exporter", "domain": "customer"}})
    assert secret.login == Password(
        username="u",
        password=CANARY,
        domain=Domain(name="acme"),
        agency=Agency(name="exporter", domain="customer"),
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([CANARY], "must be a JSON object"),
        ({**AUTH}, "exactly one of: .*found: none"),
        ({**AUTH, **PASSWORD, **CREDENTIAL}, "found: password and application_credential"),
        ({**PASSWORD}, "auth_url must be a string"),
        ({**AUTH, **PASSWORD, "domain": ""}, "domain must be a string"),
        ({**AUTH, **PASSWORD, "password": 7}, "password must be a string"),
        ({**AUTH, **PASSWORD, "password": f"{CANARY}\n"}, "password must be a string"),
        ({**AUTH, **PASSWORD, "hosts": "a.example"}, "hosts must be a list"),
        ({**AUTH, **PASSWORD, "hosts": ["https://a.example"]}, "hosts must be a list"),
        ({**AUTH, **PASSWORD, "hosts": [None]}, "hosts must be a list"),
        ({**AUTH, **PASSWORD, "agency": CANARY}, "agency must be an object with name and domain"),
        ({**AUTH, **PASSWORD, "agency": {"name": "a"}}, "agency: domain must be a string"),
        ({**AUTH, "access_key": "AK"}, "secret_key must be a string"),
        ({**AUTH, **TEMPORARY_KEY, "security_token": 7}, "security_token must be a string"),
        ({**AUTH, **TEMPORARY_KEY, **PASSWORD}, "found: password and access_key"),
        ({"auth_url": CANARY, **PASSWORD}, "auth_url must be an address"),
        ({"auth_url": "https:///v3", **PASSWORD}, "auth_url must be an address"),
    ],
)
def test_a_secret_of_the_wrong_shape_is_one_clear_line(document: object, message: str) -> None:
    with pytest.raises(CredentialError, match=message) as caught:
        parsed(document)
    assert str(caught.value).startswith("secret demo/export/otc: ")
    assert CANARY not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not caught.value.refused


def test_a_secret_that_is_no_json_is_not_quoted() -> None:
    with pytest.raises(CredentialError, match="must be a JSON object") as caught:
        parse_secret(f"{{password: {CANARY}", "demo/export/otc")
    assert CANARY not in str(caught.value)


def test_a_secret_does_not_go_to_a_plain_http_address() -> None:
    with pytest.raises(HostNotAllowed, match="only https"):
        parsed({**PASSWORD, "auth_url": "http://keystone.example.com/v3"})


def test_a_secret_shows_neither_password_nor_key() -> None:
    for kind in (PASSWORD, CREDENTIAL, TEMPORARY_KEY):
        assert CANARY not in repr(parsed({**AUTH, **kind}))


CLOUDS = """
clouds:
  plain:
    auth:
      auth_url: https://keystone.example.com/v3
      username: u
      password: {canary}
      user_domain_name: Default
      project_name: demo
    hosts: [cinder.example.com]
  by_id:
    auth_type: v3password
    auth: {{auth_url: 'https://keystone.example.com', username: u, password: {canary},
           user_domain_id: default}}
  bare:
    auth: {{auth_url: 'https://keystone.example.com', username: u, password: {canary}}}
  credential:
    auth_type: v3applicationcredential
    auth: {{auth_url: 'https://keystone.example.com', application_credential_id: a1,
           application_credential_secret: {canary}}}
  guessed:
    auth: {{auth_url: 'https://keystone.example.com', application_credential_id: a1,
           application_credential_secret: {canary}}}
  token:
    auth_type: token
    auth: {{auth_url: 'https://keystone.example.com', token: {canary}}}
  broken: 7
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "clouds.yaml"
    path.write_text(CLOUDS.format(canary=CANARY))
    return {"OS_CLIENT_CONFIG_FILE": str(path), "HOME": str(tmp_path)}


def test_clouds_yaml_gives_the_same_secrets(environ: dict[str, str]) -> None:
    plain = read_clouds_yaml("plain", environ)
    assert plain == Secret(
        auth_url="https://keystone.example.com/v3",
        hosts=("cinder.example.com",),
        login=Password(username="u", password=CANARY, domain=Domain(name="Default")),
    )
    assert read_clouds_yaml("by_id", environ).login == Password(
        username="u", password=CANARY, domain=Domain(id="default")
    )
    assert read_clouds_yaml("bare", environ).login == Password(
        username="u", password=CANARY, domain=Domain(id="default")
    )
    credential = ApplicationCredential(id="a1", secret=CANARY)
    assert read_clouds_yaml("credential", environ).login == credential
    assert read_clouds_yaml("guessed", environ).login == credential


def test_an_entry_says_where_it_leads_to(environ: dict[str, str]) -> None:
    assert read_place("plain", environ) == Place(region="", project="demo")
    assert has_entry("plain", environ)
    assert not has_entry("absent", environ)


OPENRC = {
    "OS_AUTH_URL": "https://keystone.example.com/v3",
    "OS_USERNAME": "u",
    "OS_PASSWORD": CANARY,
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_NAME": "demo",
    "OS_REGION_NAME": "one",
}


def test_the_entry_envvars_is_the_environment() -> None:
    """As in openstacksdk."""
    assert read_clouds_yaml("envvars", OPENRC) == Secret(
        auth_url="https://keystone.example.com/v3",
        login=Password(username="u", password=CANARY, domain=Domain(name="Default")),
    )
    assert read_place("envvars", OPENRC) == Place(region="one", project="demo")


def test_the_environment_may_allow_hosts_too() -> None:
    secret = read_clouds_yaml("envvars", {**OPENRC, "OS_HOSTS": "cinder.example.com, glance.lan"})
    assert secret.hosts == ("cinder.example.com", "glance.lan")


def test_an_environment_without_a_cloud_is_told_how_to_get_one() -> None:
    with pytest.raises(CredentialError, match="OS_AUTH_URL is not set: source an openrc file"):
        read_clouds_yaml("envvars", {})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("token", "auth_type must be password"),
        ("broken", "has no mapping broken"),
        ("absent", "has no mapping absent"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named(
    environ: dict[str, str], entry: str, message: str
) -> None:
    with pytest.raises(CredentialError, match=message) as caught:
        read_clouds_yaml(entry, environ)
    assert CANARY not in str(caught.value)


def test_clouds_yaml_is_looked_for_where_openstacksdk_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The working folder comes first, then the user's configuration."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    below = home / ".config" / "openstack"
    below.mkdir(parents=True)
    (below / "clouds.yaml").write_text(CLOUDS.format(canary="of-home"))
    found = read_clouds_yaml("plain", {"HOME": str(home)})
    assert found.hidden == ("of-home",)
    moved = read_clouds_yaml("plain", {"XDG_CONFIG_HOME": str(home / ".config")})
    assert moved.hidden == ("of-home",)
    (tmp_path / "clouds.yml").write_text(CLOUDS.format(canary="of-here"))
    assert read_clouds_yaml("plain", {"HOME": str(home)}).hidden == ("of-here",)


def test_without_clouds_yaml_the_message_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CredentialError, match=r"none found; looked at clouds\.yaml"):
        read_clouds_yaml("plain", {"HOME": str(tmp_path)})


def test_a_clouds_yaml_may_merge_but_not_without_end(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    bomb = "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9)
    )
    path.write_text(bomb + "clouds: {}\n")
    with pytest.raises(CredentialError, match="cannot be read as YAML"):
        read_clouds_yaml("plain", {"OS_CLIENT_CONFIG_FILE": str(path)})


def test_a_file_that_is_no_clouds_yaml_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text("#" * 70_000)
    with pytest.raises(CredentialError, match="larger than 65536 bytes"):
        read_clouds_yaml("plain", {"OS_CLIENT_CONFIG_FILE": str(path)})


def test_a_clouds_yaml_that_is_no_yaml_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    path.write_text(f"clouds: [{CANARY}")
    with pytest.raises(CredentialError, match="cannot be read as YAML") as caught:
        read_clouds_yaml("plain", {"OS_CLIENT_CONFIG_FILE": str(path)})
    assert CANARY not in str(caught.value)
