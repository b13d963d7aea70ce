"""`volume-images report`: the page of the fleet, as a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.status_site import fleet, volumes
from tests.sandbox.stack import SandboxStack


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    """None of these tests changes it."""
    with fleet() as stack:
        yield stack


def test_the_page_tells_of_every_volume_the_stale_one_first(
    sandbox_cli: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    images = dict(stack.cloud.world.images)

    said = sandbox_cli("report", "--html", str(file))

    assert (said.code, said.out, said.err) == (1, f"{file}\n", "")
    page = file.read_text(encoding="utf-8")
    places = [page.index(f"<bdi>{volume.name}</bdi>") for volume in volumes(stack)]
    fresh, stale, new, bare = places
    assert stale < new < bare < fresh
    assert page.count("11 images: 3 kept, 8 expired") == 2  # for the eye, and for a reader
    assert stack.cloud.world.images == images
    assert stack.aws.s3.list_objects_v2(Bucket=stack.state_bucket)["KeyCount"] == 0


def test_the_json_is_that_of_status_with_every_image(sandbox_cli: Cli, tmp_path: Path) -> None:
    said = sandbox_cli("report", "--html", str(tmp_path / "report.html"), "--json")

    assert said.code == 1
    images = [
        image
        for volume in said.document["volumes"]
        for series in volume["policies"]
        for image in series["images"]
    ]
    assert len(images) == 14


def test_a_file_that_cannot_be_written_is_told_in_one_line(
    sandbox_cli: Cli, tmp_path: Path
) -> None:
    said = sandbox_cli("report", "--html", str(tmp_path / "nowhere" / "report.html"))

    assert said.code == 2
    assert said.err.endswith(
        "report.html: No such file or directory: name a file that can be written\n"
    )
    assert said.err.count("\n") == 1


def test_it_says_which_file_it_wants(sandbox_cli: Cli) -> None:
    said = sandbox_cli("report")

    assert said.code == 2
    assert "--html" in said.err
