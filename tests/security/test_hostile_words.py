"""Names from clouds and configs are words: never paths, markup, format strings or commands."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Ran, bare_environment, cli  # noqa: F401 - fixtures
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect
from volume_images.errors import StoreError
from volume_images.image_name import ImageName
from volume_images.overview.spelling import plain
from volume_images.storage.address import checked_key

WORDS = (
    "db01[/x]",
    "[bold red]db01[/]",
    "[link=https://evil.example.com]db01[/link]",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "/etc/passwd",
    "{0.__class__}",
    "{volume.__init__.__globals__}",
    "{{ 7 * 7 }}",
    "${jndi:ldap://evil.example.com}",
    "%s %n %(asctime)s",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "one\r\ntwo\ttabbed\x7f",
    "nul\x00nul",
    "\u202egnp.exe\u200f\u2066",
    "\u2028line\u2029paragraph",
    "\ud800 lone",
    "x" * 10_000,
    "=cmd|'/c calc'!A0",
)
SCREEN = frozenset("\n")
"""All that is no printable character and may yet be written to a screen."""


def harmless(text: str) -> bool:
    """Whether a screen shows every character, and obeys none."""
    return all(character.isprintable() or character in SCREEN for character in text)


@pytest.fixture(scope="module", params=list(Dialect))
def stack(request: pytest.FixtureRequest) -> Iterator[SandboxStack]:
    """Fill a cloud with volumes of hostile names, found by their tags."""
    with SandboxStack(dialect=request.param, volumes=len(WORDS) + 1, in_flight=100) as made:
        for volume, word in zip([*made.cloud.world.volumes.values()][1:], WORDS, strict=True):
            volume.name = word
            volume.tags["word"] = word[:200]
        document = json.loads(json.dumps(made.document))
        first = document["volumes"][0]
        document["volumes"] = [{**first, "name": WORDS[0]}]
        document["discover"] = [{"cloud": first["cloud"], "tags": {"backup": "daily"}}]
        made.write_config(document)
        yield made


@pytest.fixture
def run(stack: SandboxStack, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:  # noqa: F811
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    return cli


def objects(stack: SandboxStack) -> dict[str, str]:
    listed = stack.aws.s3.list_objects_v2(Bucket=stack.state_bucket).get("Contents", [])
    return {
        entry["Key"]: stack.aws.s3.get_object(Bucket=stack.state_bucket, Key=entry["Key"])["Body"]
        .read()
        .decode()
        for entry in listed
    }


def assert_shown_as_it_is(ran: Ran) -> None:
    assert "Traceback" not in ran.err
    assert harmless(ran.out + ran.err)


@pytest.mark.slow
def test_no_word_is_obeyed_from_the_export_to_the_reports(run: Cli, stack: SandboxStack) -> None:
    exported = run("export", "--json")
    assert exported.code == 0, exported.err
    names = [image.name for image in stack.cloud.world.images.values()]
    assert len(names) == len(WORDS) + 1
    for name in names:
        parsed = ImageName.parse(name)
        assert parsed is not None
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", name)
    for arguments in COMMANDS:
        assert_shown_as_it_is(run(*arguments))
    for key, text in objects(stack).items():
        assert checked_key(key) == key
        assert key.endswith(".html") or json.loads(text)
        assert harmless(text) or key.startswith("state/")  # which nobody but a program reads


NAMING = (("request", "--volume"), ("list",), ("explain",), ("runs", "show"))
ARGUMENTS = ("db01[/x]", "../../etc/passwd", "{0.__class__}", "%s", "\x1b[2J\x9b31m", "\u202egnp")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("export", "--verbose"),
    ("cleanup", "--dry-run"),
    ("cleanup", "--verbose"),
    ("status",),
    ("status", "--json"),
    ("list", WORDS[0]),
    ("explain", "16369c5d-384d-4e64-b37a-56d898769362"),
    ("runs",),
    ("config", "check"),
    *((*command, word) for command in NAMING for word in ARGUMENTS),
)


@pytest.mark.parametrize("word", WORDS)
def test_no_word_is_a_key_of_the_store(word: str) -> None:
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", word):
        assert checked_key(f"state/{word}.json") == f"state/{word}.json"
        return
    with pytest.raises(StoreError, match="not a key of the store") as caught:
        checked_key(f"state/{word}.json")
    assert harmless(str(caught.value))


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_shown_as_printable_text(word: str) -> None:
    assert plain(word).isprintable()
    plain(word).encode()


class Page(HTMLParser):
    """The elements of a page, and the words in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.slow
def test_no_word_is_markup_in_the_page_of_simulate(
    cli: Cli,  # noqa: F811
    tmp_path: Path,
) -> None:
    config = json.loads(json.dumps(PAGE_CONFIG))
    config["volumes"] = [
        {**VOLUME, "id": f"16369c5d-384d-4e64-b37a-56d8987693{number:02}", "name": word[:200]}
        for number, word in enumerate(WORDS)
        if "\ud800" not in word
    ]
    config["policies"]["daily"]["select"] = {"</script>": "<img src=x onerror=alert(1)>"}
    config["clouds"]["otc"]["project"] = "</title><svg onload=alert(1)>"
    path = tmp_path / "<img src=x onerror=alert(1)> {{ 7 * 7 }}.json"
    path.write_text(json.dumps(config))
    page = tmp_path / "page.html"
    ran = cli("simulate", "--config", str(path), "--html", str(page), "--from", "2026-03-01")
    assert (ran.code, ran.err) == (0, "")
    seen = Page(page.read_text())
    assert seen.tags.count("script") == 2
    assert not {"img", "iframe", "object", "base"} & set(seen.tags)
    assert seen.handlers == []
    assert "49" not in re.findall(r"<title>(.*?)</title>", page.read_text())[0]


VOLUME = {"cloud": "otc", "tags": {"</script>": "<img src=x onerror=alert(1)>"}}
PAGE_CONFIG: dict[str, Any] = {
    "prefix": "acme",
    "clouds": {"otc": {"dialect": "huawei", "region": "eu-de", "project": "backup"}},
    "policies": {
        "daily": {"select": {}, "schedule": "0 2 * * *", "retention": {"keep_daily": 7}},
    },
}
