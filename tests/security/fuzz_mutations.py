"""Valid documents, spoilt: some keep their structure, some only their bytes. Seeded throughout."""

import json
from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

HOSTILE_TEXTS = (
    "db01[/x]",
    "[bold red]db01[/]",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    "{0.__class__}",
    "{{7*7}}",
    "${AWS::AccountId}",
    "%s%n%(name)s",
    "\x1b[2J\x1b]0;owned\x07",
    "a\x00b",
    "a\r\nb\tc\x7f",
    "\u202egnp.exe",
    "\u2066\u200f\ufeff",
    "\ud800",
    "\udc80\ud83d",
    "\U0001f4be" * 40,
    "ﬁ①Ⅷ",
    "x" * 10_000,
    "' OR 1=1 --",
    "=cmd|'/c calc'!A0",
    "-rf",
    "~",
    "",
    " ",
    "null",
    "NaN",
    "1e999",
    "9" * 5_000,
    "1:1" + ":1" * 400 + ".5",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30T25:61:61Z",
    "2026-03-02T02:00:00",
    "00010101T000000Z",
    "99991231T235959Z",
    "* * * * *",
    "*/0 0 30 2 *",
    "59 23 31 2 5#5",
    "@reboot",
    "L 0 * * 0-7/1000000000",
    "P9999999999Y",
    "99999999999d",
    "1000y",
    "https://user:word@169.254.169.254/latest",
    "http://[::1",
    "https://\u2100.example.com",
    "file:///etc/passwd",
    "s3://bucket/../x",
    "Europe/../../etc/localtime",
)
HOSTILE_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64 + 1,
    10**30,
    10**400,
    -(10**400),
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    [],
    {},
    [[]],
    [None],
    {"": ""},
    {"__class__": "x", "__proto__": {}},
    ["x"] * 300,
)
HOSTILE_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"&a *a ",
    b"&a [*a, *a]",
    b"!!python/object/apply:os.system [id]",
    b"<<: ",
    b"? ",
    b"%YAML 9.9\n---\n",
    b"\n---\n",
    b"\n...\n",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b'\\ud800"',
    b'"\\u0000"',
    b"{" * 30,
    b"[" * 1_000,
    b'{"a":' * 300,
    b"[" * 20_000,
    b"9" * 5_000,
    b"0x" + b"f" * 500,
    b"1" + b":59" * 300,
    b"1" + b":59" * 300 + b".5",
    b"2001-99-99",
    b"\t",
    b"\r",
    b"'",
    b'"',
    b": ",
    b"- ",
    b"#",
    b",",
    b"}",
    b"]",
    b"|\n",
    b"\xe2\x80\xa8",
)
PLAUSIBLE_TEXTS = (
    "1h", "3d", "1m", "1y2m3d4h", "0h", "3650d", "40d", "daily", "nightly", "acme", "otc", "UTC",
    "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "openstack", "huawei", "ims_job", "raw",
    "qcow2", "bare", "linux", "unlimited", "* * * * *", "*/10 * * * *", "0 0 29 2 *", "0 0 30 2 *",
    "59 23 31 12 7", "2026-03-09T01:00:00Z", "2026-03-09T01:00:00+05:30", "2026-03-09T01:00:00",
    "2026-03-09", "1773018000", "1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z",
    "8999-12-31T23:59:59Z",
    "active", "queued", "saving", "killed", "deleted", "pending_delete", "deactivated", "uploading",
    "in-use", "error", "vi-pin", "vi-restore-20260309T010000Z-0123456789abcdef", "vi-000000000000",
    "true", "12", "0", "16369c5d-384d-4e64-b37a-56d898769362", "0123456789ab",
    "daily/16369c5d-384d-4e64-b37a-56d898769362", "daily.request/x", "/", "a/b/c",
    "acme_daily__16369c5d-384d-4e64-b37a-56d898769362_19700101T000000Z",
    "acme_daily__16369c5d-384d-4e64-b37a-56d898769362_89991231T235959Z",
    "acme_gone.request__16369c5d-384d-4e64-b37a-56d898769362_20260309T010000Z",
)  # fmt: skip
HOSTILE_POINTS = (0, 9, 45, 47, 58, 65, 95, 0x661, 0xD800)
Path = tuple[str | int, ...]


def spoilt(document: Any, dice: Random) -> Any:  # noqa: ANN401 - any JSON
    """Return a copy with one to four faults; the rest stays as it was."""
    copy = {"root": deepcopy(document)}
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        places = _places(copy["root"], ("root",))
        if places:
            _spoil(copy, dice.choice(places), places, dice)
    return copy["root"]


def spelled(document: Any, dice: Random) -> bytes:  # noqa: ANN401 - any JSON
    """Spell a document as JSON, or as what only YAML's parser takes; rarely with a key twice."""
    text = json.dumps(document)
    if dice.random() < 0.1 and text.startswith("{") and len(text) > 2:
        text = f"{text[:-1]}, {text[1:]}"
    return text.encode() if dice.random() < 0.5 else b"# as YAML\n" + text.encode()


def scratched(body: bytes, dice: Random) -> bytes:
    """Return the bytes with a few faults that no structure survives."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        start = dice.randrange(len(body) + 1)
        end = min(len(body), start + dice.choice((0, 0, 1, 2, 8, 40)))
        match dice.randrange(5):
            case 0:
                middle = dice.choice(HOSTILE_BYTES)
            case 1:
                middle = bytes(dice.randrange(256) for _ in range(dice.randrange(1, 4)))
            case 2:
                middle = body[start:end] * dice.randrange(2, 30)
            case 3:
                middle = b""
            case _:
                middle, end = b"", len(body) if dice.random() < 0.3 else end
        body = body[:start] + middle + body[end:]
    return body


def document_bytes(document: Any, dice: Random) -> bytes:  # noqa: ANN401 - any JSON
    """Return a document as it is, spoilt, scratched, or both."""
    kind = dice.random()
    body = spelled(spoilt(document, dice) if kind < 0.8 else document, dice)
    return scratched(body, dice) if kind > 0.6 else body


def hostile_text(dice: Random, like: str = "") -> str:
    """Return a text that somebody did not reckon with, perhaps inside of a good one."""
    text = dice.choice(HOSTILE_TEXTS)
    match dice.randrange(5):
        case 0 if like:
            at = dice.randrange(len(like) + 1)
            return like[:at] + text[:50] + like[at:]
        case 1 if like:
            at = dice.randrange(len(like))
            return like[:at] + like[at + 1 :]
        case 2 if like:
            at = dice.randrange(len(like))
            return like[:at] + chr(dice.choice(HOSTILE_POINTS)) + like[at + 1 :]
        case 3 if like:
            return like * dice.choice((2, 3, 50))
        case _:
            return text


def _places(node: Any, path: Path) -> list[Path]:  # noqa: ANN401 - any JSON
    children: Sequence[tuple[str | int, Any]] = ()
    if isinstance(node, dict):
        children = tuple(node.items())
    elif isinstance(node, list):
        children = tuple(enumerate(node))
    return [path, *(place for key, child in children for place in _places(child, (*path, key)))]


def _spoil(root: dict[str, Any], path: Path, places: Sequence[Path], dice: Random) -> None:
    parent = _at(root, path[:-1])
    key = path[-1]
    match dice.randrange(16):
        case 9 | 10 | 11 | 12 | 13:
            parent[key] = _plausible(parent[key], dice)
        case 0 | 1:
            parent[key] = deepcopy(dice.choice(HOSTILE_VALUES))
        case 2 | 3 | 4:
            like = parent[key] if isinstance(parent[key], str) else ""
            parent[key] = hostile_text(dice, like)
        case 5 if len(path) > 1:
            del parent[key]
        case 6 if isinstance(parent, dict) and len(path) > 1:
            parent[hostile_text(dice, str(key))] = parent.pop(key)
        case 7:
            parent[key] = deepcopy(_at(root, dice.choice(places)))
        case _:
            parent[key] = dice.choice(([parent[key]], {"x": parent[key]}, str(parent[key])[:200]))


def _plausible(value: Any, dice: Random) -> Any:  # noqa: ANN401 - any JSON
    """Return what might stand there as well: such faults get furthest."""
    match value:
        case bool():
            return not value
        case int() | float():
            return dice.choice((value + 1, value - 1, value * 1_000, -value, 0, str(value)))
        case str():
            return dice.choice(PLAUSIBLE_TEXTS)
        case list():
            return dice.choice((value[::-1], value * 2, value[1:], [*value, None]))
        case dict():
            return dict(list(value.items())[: dice.randrange(len(value) + 1)])
        case _:
            return dice.choice(PLAUSIBLE_TEXTS)


def _at(root: Any, path: Path) -> Any:  # noqa: ANN401 - any JSON
    node = root
    for step in path:
        node = node[step]
    return node
