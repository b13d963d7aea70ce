"""A token goes where the secret allows and nowhere else, whatever an answer says."""

from collections.abc import Iterator

import pytest

from tests.cloud.scripted import (
    ACTION,
    IMAGE,
    IMAGE_PATH,
    IMAGES_PATH,
    PROJECT,
    REGION,
    VOLUME,
    VOLUMES_PATH,
    ScriptedCloud,
    export_request,
    image_document,
    token_answer,
    volume_document,
)
from tests.sandbox.http_server import HttpServer
from tests.sandbox.wire import Answer, Request, json_answer
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, HostNotAllowed, LostAnswer
from volume_images.model import NewVolume


class Thief:
    """A server that would take whatever is sent to it."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.server = HttpServer(self._take)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def _take(self, request: Request) -> Answer:
        self.seen.append(request)
        return json_answer(200, {})


@pytest.fixture
def thief() -> Iterator[Thief]:
    running = Thief()
    running.server.start()
    yield running
    running.server.stop()


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        yield running


def catalogue(kind: str, url: str) -> list[dict[str, object]]:
    endpoint = {"interface": "public", "region": REGION, "region_id": REGION, "url": url}
    return [{"type": kind, "endpoints": [endpoint]}]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_takes_no_token_and_no_export_with_it(
    cloud: ScriptedCloud, thief: Thief, status: int
) -> None:
    """A 307 asks for the same POST, token and body included, at its address."""
    cloud.script("POST", ACTION, Answer(status, b"", {"Location": f"{thief.url}{ACTION}"}))
    with pytest.raises(CloudUnavailable, match="redirect, and none is followed") as refused:
        cloud.open().volumes.export(export_request())
    assert not isinstance(refused.value, LostAnswer)
    assert thief.seen == []
    assert cloud.paths("POST").count(ACTION) == 1


def test_a_redirect_takes_no_password_with_it(cloud: ScriptedCloud, thief: Thief) -> None:
    cloud.tokens(Answer(307, b"", {"Location": f"{thief.url}/v3/auth/tokens"}))
    with pytest.raises(CloudUnavailable, match="redirect, and none is followed"):
        cloud.open()
    assert thief.seen == []


def test_a_redirect_moves_no_deletion_no_creation_and_no_listing(
    cloud: ScriptedCloud, thief: Thief
) -> None:
    away = Answer(307, b"", {"Location": thief.url})
    created = f"/volume/v3/{PROJECT}/volumes"
    for method, path in (("DELETE", IMAGE_PATH), ("POST", created), ("GET", IMAGES_PATH)):
        cloud.script(method, path, away)
    opened = cloud.open()
    with pytest.raises(CloudUnavailable):
        opened.images.delete(IMAGE)
    with pytest.raises(CloudUnavailable):
        opened.restoring.create(NewVolume(name="x", size_gib=1))
    with pytest.raises(CloudUnavailable):
        opened.images.all()
    assert thief.seen == []


def test_of_a_next_link_to_another_host_only_the_marker_is_used(
    cloud: ScriptedCloud, thief: Thief
) -> None:
    following = f"{thief.url}{IMAGES_PATH}?marker={IMAGE}"
    first = {"images": [image_document()], "next": following}
    cloud.script("GET", IMAGES_PATH, json_answer(200, first), json_answer(200, {"images": []}))
    assert len(cloud.open().images.all()) == 1
    assert cloud.seen[-1].argument("marker") == IMAGE
    assert thief.seen == []


@pytest.mark.parametrize("dialect", list(Dialect))
def test_of_a_link_between_pages_of_volumes_no_address_is_used(
    dialect: Dialect, thief: Thief
) -> None:
    links = [{"rel": "next", "href": f"{thief.url}/v3/volumes/detail?marker={VOLUME}"}]
    first = {"volumes": [volume_document()], "volumes_links": links, "count": 1}
    path = VOLUMES_PATH
    if dialect is Dialect.HUAWEI:
        path = f"/volume/v2/{PROJECT}/cloudvolumes/detail"
    with ScriptedCloud(dialect) as cloud:
        cloud.script("GET", path, json_answer(200, first), json_answer(200, {"volumes": []}))
        assert len(cloud.open().volumes.all()) == 1
    assert thief.seen == []


@pytest.mark.parametrize("kind", ["block-storage", "image"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.org/v3",
        "http://evs.eu-de.otc.t-systems.com/v3",
        "https://evs.eu-de.otc.t-systems.com.evil.example.org/v3",
        "https://user:word@evs.eu-de.otc.t-systems.com/v3",
        "ftp://127.0.0.1/v3",
    ],
)
def test_a_catalogue_names_no_other_host_and_no_plain_http(
    cloud: ScriptedCloud, kind: str, url: str
) -> None:
    services = (
        catalogue("block-storage", f"{cloud.url}/volume/v3/{PROJECT}") if kind == "image" else []
    )
    cloud.tokens(token_answer(1, cloud.url, catalog=[*services, *catalogue(kind, url)]))
    with pytest.raises(HostNotAllowed, match=f"{kind} as the cloud's catalogue has it"):
        cloud.open()
    assert cloud.paths("GET") == []


def test_a_secret_is_not_sent_over_plain_http() -> None:
    with ScriptedCloud() as cloud, pytest.raises(HostNotAllowed, match="only https"):
        cloud.open(cloud.secret(auth_url="http://iam.eu-de.otc.t-systems.com/v3"))
