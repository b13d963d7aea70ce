"""Services are found in the config, the catalogue, or by the vendor's pattern."""

from collections.abc import Iterator

import pytest
from keystoneauth1.access import AccessInfoV3

from tests.cloud.scripted import PROJECT, REGION, ScriptedCloud, token_answer
from tests.sandbox.wire import json_answer
from volume_images.cloud.endpoints import Service, Surroundings, find_service
from volume_images.cloud.hosts import AllowedHosts
from volume_images.cloud.huawei import HuaweiVolumes
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, HostNotAllowed


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        yield running


def around(
    dialect: Dialect = Dialect.HUAWEI, region: str = "eu-de", catalog: object = ()
) -> Surroundings:
    access = AccessInfoV3({"token": {"catalog": catalog}}, "token")
    hosts = AllowedHosts.of("https://keystone.example.com/v3", ())
    return Surroundings(dialect, region, access, PROJECT, hosts)


def catalog(kind: str, url: object, region: str = "eu-de") -> list[object]:
    endpoint = {"interface": "public", "region": region, "region_id": region, "url": url}
    return [{"type": kind, "name": kind, "endpoints": [endpoint]}]


@pytest.mark.parametrize(
    ("url", "base", "version"),
    [
        ("https://evs.example", "https://evs.example", ""),
        ("https://evs.example/", "https://evs.example", ""),
        ("https://evs.example/v2", "https://evs.example", "v2"),
        ("https://evs.example/v3/", "https://evs.example", "v3"),
        (f"https://evs.example/v3/{PROJECT}", "https://evs.example", "v3"),
        ("https://evs.example/volume/v2.1", "https://evs.example/volume", "v2"),
        ("https://evs.example/video", "https://evs.example/video", ""),
    ],
)
def test_an_address_may_end_in_a_version_and_a_project(url: str, base: str, version: str) -> None:
    assert Service.parse(url, PROJECT) == Service(base, version)


@pytest.mark.parametrize(
    ("service", "region", "url"),
    [
        ("block-storage", "eu-de", "https://evs.eu-de.otc.t-systems.com"),
        ("image", "eu-nl", "https://ims.eu-nl.otc.t-systems.com"),
        ("block-storage", "eu-west-101", "https://evs.eu-west-101.myhuaweicloud.com"),
        ("image", "ap-southeast-1", "https://ims.ap-southeast-1.myhuaweicloud.com"),
    ],
)
def test_without_a_catalogue_the_vendors_pattern_counts(
    service: str, region: str, url: str
) -> None:
    assert find_service(service, None, around(region=region)) == Service(url)


@pytest.mark.parametrize("kind", ["block-storage", "volumev3", "volumev2"])
def test_the_catalogue_comes_before_the_pattern_under_each_of_its_names(kind: str) -> None:
    url = f"https://evs.eu-de.otc.t-systems.com/v2/{PROJECT}"
    found = find_service("block-storage", None, around(catalog=catalog(kind, url)))
    assert found == Service("https://evs.eu-de.otc.t-systems.com", "v2")


def test_the_config_comes_before_the_catalogue() -> None:
    given = "https://keystone.example.com/volume/v3"
    elsewhere = catalog("block-storage", "https://evs.eu-de.otc.t-systems.com")
    found = find_service("block-storage", given, around(catalog=elsewhere))
    assert found == Service("https://keystone.example.com/volume", "v3")


def test_plain_openstack_has_no_pattern() -> None:
    other = catalog("image", "https://keystone.example.com", region="elsewhere")
    with pytest.raises(CloudUnavailable, match="no public image endpoint in region eu-de; correct"):
        find_service("image", None, around(Dialect.OPENSTACK, catalog=other))


@pytest.mark.parametrize("broken", [7, [7], [{"type": "image", "endpoints": [7]}]])
def test_a_catalogue_that_cannot_be_read_is_said_so(broken: object) -> None:
    with pytest.raises(CloudUnavailable, match="catalogue of the token cannot be read"):
        find_service("image", None, around(catalog=broken))


def test_a_catalogue_cannot_send_the_token_elsewhere(cloud: ScriptedCloud) -> None:
    cloud.tokens(
        token_answer(
            1, cloud.url, catalog=catalog("block-storage", "https://evil.example.org/v3", REGION)
        )
    )
    with pytest.raises(HostNotAllowed, match=r"as the cloud's catalogue has it: evil\.example"):
        cloud.open()
    assert len(cloud.seen) == 1


def test_the_config_cannot_send_the_token_elsewhere(cloud: ScriptedCloud) -> None:
    endpoints = {"block_storage": "https://evil.example.org/v3"}
    with pytest.raises(HostNotAllowed, match="as `endpoints` of the config has it"):
        cloud.open(endpoints=endpoints)


def test_the_secret_can_allow_another_host(cloud: ScriptedCloud) -> None:
    secret = cloud.secret(hosts=["localhost"])
    port = cloud.url.rpartition(":")[2]
    cloud.script("GET", f"/v3/{PROJECT}/volumes/detail", json_answer(200, {"volumes": []}))
    opened = cloud.open(secret, endpoints={"block_storage": f"http://localhost:{port}"})
    assert opened.volumes.all() == ()


def test_a_given_version_is_kept_for_the_export_alone() -> None:
    for url, version in (("https://evs.x", "v3"), ("https://evs.x/v2", "v2")):
        volumes = HuaweiVolumes(Service.parse(url, "p"), "p")
        assert volumes.action_url("v") == f"https://evs.x/{version}/p/volumes/v/action"
        assert volumes.listing()[0] == "https://evs.x/v2/p/cloudvolumes/detail"


def test_open_telekom_cloud_reads_one_volume_at_an_address_of_its_own() -> None:
    volumes = HuaweiVolumes(Service("https://evs.eu-de.otc.t-systems.com"), "p")
    assert volumes.volume_url("v").endswith("/v2/p/os-vendor-volumes/v")
    volumes = HuaweiVolumes(Service("https://evs.ap-southeast-1.myhuaweicloud.com"), "p")
    assert volumes.volume_url("v").endswith("/v2/p/cloudvolumes/v")
