"""Whatever is read has an end: an endless body is one clear error, and memory is not filled."""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from pathlib import Path

import pytest
import requests

from tests.cloud.scripted import TLS, StillClock
from tests.security.raw_server import HEAD, serving
from volume_images.cli.inputs.filed_report import parse_report
from volume_images.cli.inputs.invocation import read_event
from volume_images.cli.inputs.volumes_file import read_volumes
from volume_images.cloud.bounded import LARGEST_ANSWER_BYTES, WHOLE_ANSWER_SECONDS
from volume_images.cloud.clouds_yaml import read_clouds_yaml
from volume_images.cloud.hosts import AllowedHosts
from volume_images.cloud.wire import CloudAdapter
from volume_images.config.schema import Config, parse_config
from volume_images.errors import (
    ConfigError,
    CredentialError,
    InputError,
    LostAnswer,
    StoreError,
    VolumeImagesError,
)
from volume_images.storage.address import CA_BUNDLE_LIMIT
from volume_images.storage.folder import ConfigFile, FolderStore, read_file

MIB = b"x" * 1024 * 1024
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BUFFERS = 8 * 1024 * 1024  # what the system holds between the two ends
ENDLESS = Path("/dev/zero")


class HastyClock(StillClock):
    """Each look at it finds a minute gone."""

    def monotonic(self) -> float:
        self.sleep(60)
        return super().monotonic()


def ask(url: str, clock: StillClock | None = None) -> requests.Response:
    adapter = CloudAdapter(
        tls=TLS, hosts=AllowedHosts.of(url, ()), clock=clock or StillClock(), connections=1
    )
    try:
        return adapter.send(requests.Request("GET", f"{url}/v3").prepare())
    finally:
        adapter.close()


def bomb() -> Iterator[bytes]:
    """Compress a GiB of nothing into a MiB, as it is sent: it takes seconds."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(64):
        yield packer.compress(bytes(2**24))
    yield packer.flush()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (HEAD + b"\r\n", repeat(MIB)),
        (HEAD + b"Content-Length: 999999999999\r\n\r\n", repeat(MIB)),
        (CHUNKED, repeat(b"100000\r\n" + MIB + b"\r\n")),
        (CHUNKED + b"f" * 12 + b"\r\n", repeat(MIB)),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n", bomb()),
    ],
    ids=["until it closes", "by its length", "in chunks", "in one chunk", "compressed"],
)
def test_an_endless_answer_is_left(start: bytes, endless: Iterable[bytes]) -> None:
    with serving(start, endless=endless) as sent:
        with pytest.raises(LostAnswer, match="too long or too slow"):
            ask(sent.url)
        assert sent.count < LARGEST_ANSWER_BYTES + BUFFERS


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (b"HTTP/1.1 ", repeat(b"2" * 65536)),
        (HEAD, repeat(b"X-A: b\r\n" * 1000)),
        (HEAD + b"X-A: ", repeat(b"b" * 65536)),
        (b"", repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
        (CHUNKED, repeat(b"0" * 65536)),
        (CHUNKED + b"1;", repeat(b"a" * 65536)),
    ],
    ids=["status", "headers", "one header", "interim answers", "chunk size", "chunk extension"],
)
def test_an_answer_that_never_begins_is_left(start: bytes, endless: Iterable[bytes]) -> None:
    with serving(start, endless=endless) as sent:
        with pytest.raises(LostAnswer):
            ask(sent.url)
        assert sent.count < BUFFERS


@pytest.mark.slow
def test_an_answer_that_never_ends_after_its_end_is_left() -> None:
    end = CHUNKED + b"2\r\n{}\r\n0\r\n"
    with serving(end, endless=repeat(b"X-A: " + b"b" * 60_000 + b"\r\n")) as sent:
        with pytest.raises(LostAnswer, match="too long or too slow"):
            ask(sent.url)
        assert sent.count < LARGEST_ANSWER_BYTES + BUFFERS


def test_an_answer_that_trickles_in_is_left_when_its_time_is_over() -> None:
    """Each piece comes within the time-out of one reading; all of them would take hours."""
    pieces = [HEAD + b"Content-Length: 100000\r\n\r\n", *[b" "] * 100]
    clock = HastyClock()
    slow = "too long or too slow"
    with serving(*pieces, endless=repeat(b" ")) as sent, pytest.raises(LostAnswer, match=slow):
        ask(sent.url, clock)
    assert sum(clock.slept) < WHOLE_ANSWER_SECONDS + 3 * 60


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (lambda: parse_config(ConfigFile(ENDLESS).read().body, "config.yaml"), ConfigError),
        (lambda: FolderStore(Path("/dev"), ConfigFile(ENDLESS)).state("zero"), StoreError),
        (lambda: read_file(ENDLESS, CA_BUNDLE_LIMIT), StoreError),
        (lambda: read_event(ENDLESS), InputError),
        (
            lambda: read_clouds_yaml("otc", {"OS_CLIENT_CONFIG_FILE": str(ENDLESS)}),
            CredentialError,
        ),
    ],
    ids=["config", "state", "CA bundle", "event", "clouds.yaml"],
)
def test_an_endless_file_is_one_clear_error(
    read: Callable[[], object], error: type[VolumeImagesError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_file", lambda _: True)  # clouds.yaml is looked for
    with pytest.raises(error, match=r"larger than|too much"):
        read()


def test_a_list_of_volumes_without_end_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("volume_images.cli.inputs.volumes_file.LARGEST_FILE", 1_000)
    (tmp_path / "volumes.json").write_text("[" * 2_000)
    config = Config.model_construct(volumes=(), clouds={"otc": None})
    with pytest.raises(InputError, match="larger than"):
        read_volumes(tmp_path / "volumes.json", config)
    monkeypatch.setattr("volume_images.cli.inputs.volumes_file.LARGEST_FILE", 1_000_000)
    (tmp_path / "volumes.json").write_text("[" * 200_000)
    with pytest.raises(ConfigError, match="write a list of volumes"):
        read_volumes(tmp_path / "volumes.json", config)


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b"[]", b"null", b"\xff", json.dumps({"function": "export_volumes"})]
)
def test_a_report_that_is_none_is_one_clear_error(body: bytes) -> None:
    with pytest.raises(StoreError, match="is not a report of this release"):
        parse_report(body, "reports/x.json")
