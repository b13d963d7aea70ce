"""The transcript of a probe: every exchange with the services, fit to be sent to others.

Secrets and tokens never come here (the session leaves them out); what other volumes and images the
project has is nobody's business either, so listings keep only what the probe made or was given.
"""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from volume_images.model import Exchange
from volume_images.probe.card import Sightings
from volume_images.probe.questions import answers

_SECRET = re.compile(r"(?i)pass|secret|token|credential|signature$|authorization|user_data")
_HEADERS = re.compile(
    r"(?i)content-type|date|retry-after|.*request-id|openstack-api-version|.*rate-?limit.*"
)
_LISTINGS = ("volumes", "images", "messages")
LONGEST_BODY = 20_000


def transcript(seen: Sightings, version: str) -> str:
    """Write all that was seen, for people who were not there."""
    return "\n".join(_lines(seen, version)) + "\n"


def _lines(seen: Sightings, version: str) -> Iterator[str]:
    yield f"volume-images {version} probed {seen.cloud} ({seen.dialect}) as {seen.name}"
    yield f"result: {'passed' if seen.passed else 'failed'}"
    for step in seen.steps:
        yield f"  {step.verdict}: {step.name} ({step.seconds:.1f} s): {step.said}"
    for thing in seen.left:
        yield f"  left behind: {thing}"
    yield ""
    for answer in answers(seen):
        yield f"{answer.question}\n  {answer.seen}"
    yield ""
    for glimpse in seen.glimpses:
        yield f"{glimpse.seconds:8.1f} s: image {glimpse.image}, volume {glimpse.volume}"
    ours = _ours(seen)
    for number, one in enumerate(seen.exchanges, start=1):
        yield f"\n--- {number}"
        yield from _exchange(one, ours)


def _ours(seen: Sightings) -> frozenset[str]:
    """Return the ids that stand in a path or a body; in a query, others' mark the pages."""
    pattern = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    asked = " ".join(f"{urlsplit(one.url).path} {one.sent}" for one in seen.exchanges)
    return frozenset(pattern.findall(asked))


def _exchange(one: Exchange, ours: frozenset[str]) -> Iterator[str]:
    yield f"{one.method} {one.url}"
    if one.sent:
        yield _redacted(one.sent, ours)
    headers = {name: text for name, text in one.headers.items() if _HEADERS.fullmatch(name)}
    yield f"{one.status} {json.dumps(headers)}"
    if one.body:
        yield _redacted(one.body, ours)[:LONGEST_BODY]


def _redacted(text: str, ours: frozenset[str]) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(_clean(document, ours))


def _clean(value: object, ours: frozenset[str]) -> object:
    if isinstance(value, Mapping):
        return {key: _cleaned(str(key), inner, ours) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(each, ours) for each in value]
    return value


def _cleaned(key: str, inner: object, ours: frozenset[str]) -> object:
    if _SECRET.search(key):
        return "***"
    if key in _LISTINGS and isinstance(inner, list):
        kept = [_clean(each, ours) for each in inner if _is_ours(each, ours)]
        hidden = len(inner) - len(kept)
        return [*kept, f"({hidden} of others)"] if hidden else kept
    return _clean(inner, ours)


def _is_ours(entry: object, ours: frozenset[str]) -> bool:
    return isinstance(entry, Mapping) and entry.get("id") in ours
