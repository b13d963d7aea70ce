"""What a test's failure is explained by: volumes, images, services, and their last words."""

from collections.abc import Callable, Iterable, Iterator

import requests

from tests.contract.openstack_site import IMAGES, OpenstackSite
from tests.openstack.machine import last_lines
from tests.openstack.places import Places
from tests.openstack.processes import running

LINES = 20
USUAL = " INFO "
"""In each line of a log that says no more than that a call was answered."""


def what_it_holds(site: OpenstackSite, places: Places) -> str:
    """Describe the cloud as it is now, as far as it answers."""
    return "\n".join(
        [
            *_asked(lambda: _volumes(site)),
            *_asked(lambda: _images(site, places)),
            *(_service(name, runs, places) for name, runs in running(places).items()),
        ]
    )


def _volumes(site: OpenstackSite) -> Iterator[str]:
    for volume in site.all_volumes():
        yield f"volume {volume['id']} {volume['name']}: {volume['status']}"


def _images(site: OpenstackSite, places: Places) -> Iterator[str]:
    listed = site.call("GET", IMAGES, params={"owner": site.project_id})
    for image in listed.json()["images"]:
        file = places.image_file(image["id"])
        written = file.stat().st_size if file.exists() else 0
        yield f"image {image['id']} {image['name']}: {image['status']}, {written} bytes written"


def _service(name: str, runs: bool, places: Places) -> str:  # noqa: FBT001 - as it is known
    state = "runs" if runs else "IS DEAD"
    return f"{name} {state}; its last words:\n{last_lines(places.log(name), LINES, USUAL)}"


def _asked(ask: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(ask())
    except requests.RequestException as error:
        return [f"not answered: {error}"]
