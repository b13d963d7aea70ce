"""What the documents leave open, and what was seen of it on this cloud."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from volume_images.model import Exchange
from volume_images.probe.card import Sightings, StepName

_TOLD = (
    "status",
    "disk_format",
    "container_format",
    "visibility",
    "min_disk",
    "size",
    "virtual_size",
    "__image_size",
    "__data_origin",
    "virtual_env_type",
    "__os_type",
    "__isregistered",
    "__lazyloading",
)
_LIMIT_WORDS = ("ratelimit", "rate-limit", "retry-after")
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that no document settles, and what this cloud showed."""

    question: str
    seen: str


def answers(seen: Sightings) -> tuple[Answer, ...]:
    """Answer each open question from what was seen; what was not seen is said so."""
    return tuple(
        Answer(question, answer(seen) or "not seen") for question, answer in _QUESTIONS.items()
    )


def _image(seen: Sightings) -> str:
    documents = [document for document in _images(seen) if document.get("id") == seen.image_id]
    if not documents:
        return ""
    last = documents[-1]
    statuses = list(dict.fromkeys(glimpse.image for glimpse in seen.glimpses))
    told = [f"{key}={last[key]}" for key in _TOLD if last.get(key) not in (None, "")]
    return f"{' -> '.join(statuses)}; {', '.join(told)}"


def _refusal(seen: Sightings) -> str:
    refused = [one for one in _exports(seen) if _is_error(one)]
    if not refused:
        step = seen.step(StepName.EXPORT_AGAIN)
        return step.said if step else ""
    return f"{refused[0].status} {' '.join(refused[0].body.split())[:200]}"


def _forced(seen: Sightings) -> str:
    step = seen.step(StepName.EXPORT)
    if not seen.was_in_use or step is None:
        return "not tried: the volume was not attached (name an attached one with --volume)"
    return f"{step.verdict}: {step.said}"


def _call(seen: Sightings) -> str:
    accepted = [one for one in _exports(seen) if not _is_error(one)]
    if not accepted:
        return ""
    path = urlsplit(accepted[0].url).path
    version = next((part for part in path.split("/") if part in {"v1", "v2", "v3"}), "?")
    return f"POST .../{version}/.../{path.rpartition('/')[2]}: {accepted[0].status}"


def _duration(seen: Sightings) -> str:
    step = seen.step(StepName.FOLLOW)
    if step is None or not seen.size_gib:
        return ""
    return f"{step.seconds:.0f} s for {seen.size_gib} GiB: {step.verdict}"


def _limits(seen: Sightings) -> str:
    names = {
        f"{name}: {text}"
        for one in seen.exchanges
        for name, text in one.headers.items()
        if any(word in name.lower() for word in _LIMIT_WORDS)
    }
    throttled = sum(one.status == _TOO_MANY for one in seen.exchanges)
    told = ", ".join(sorted(names)[:5]) or "no header tells a limit"
    return f"{told}; {throttled} of {len(seen.exchanges)} requests answered 429"


def _paging(seen: Sightings) -> str:
    for one in seen.exchanges:
        asked = parse_qs(urlsplit(one.url).query)
        images = _documents(one, "images")
        if "limit" in asked and "owner" in asked and not _is_error(one):
            projects = sorted({str(image.get("enterprise_project_id", "-")) for image in images})
            told = f"; enterprise projects: {', '.join(projects)}" if images else ""
            return f"limit={asked['limit'][0]} is taken; {len(images)} images in the page{told}"
    return ""


def _tags(seen: Sightings) -> str:
    step = seen.step(StepName.MARK_EARLY)
    return step.said if step else ""


def _quota(seen: Sightings) -> str:
    for one in seen.exchanges:
        if urlsplit(one.url).path.endswith("/cloudimages/quota"):
            return f"{one.status} {' '.join(one.body.split())[:200]}"
    return "this cloud has no call that tells"


def _places(seen: Sightings) -> str:
    hosts = sorted({urlsplit(one.url).netloc for one in seen.exchanges})
    longest = max((one.token_length for one in seen.exchanges), default=0)
    return f"{', '.join(hosts)}; a token has {longest} characters"


_QUESTIONS: Mapping[str, Callable[[Sightings], str]] = {
    "What is an exported image like, and which statuses does it go through?": _image,
    "What is answered when the volume cannot be exported now?": _refusal,
    "Does force export a volume that is in use?": _forced,
    "Which export call is there?": _call,
    "How long does an export take?": _duration,
    "Does the cloud tell its limits?": _limits,
    "How many images may a page hold, and of which enterprise projects?": _paging,
    "Does an unfinished image take tags?": _tags,
    "How many images may the project hold?": _quota,
    "Where are the services, and how long is a token?": _places,
}


def _exports(seen: Sightings) -> Iterator[Exchange]:
    return (one for one in seen.exchanges if one.method == "POST" and _asks_for_image(one))


def _asks_for_image(one: Exchange) -> bool:
    return "os-volume_upload_image" in one.sent or "data_images" in one.sent


def _is_error(one: Exchange) -> bool:
    return one.status >= 400  # noqa: PLR2004 - RFC 9110: errors of the client, and of the server


def _images(seen: Sightings) -> Iterator[Mapping[str, object]]:
    for one in seen.exchanges:
        yield from _documents(one, "images")


def _documents(one: Exchange, key: str) -> list[Mapping[str, object]]:
    """Return what a listing holds, or the one thing that an answer is."""
    try:
        document = json.loads(one.body)
    except ValueError:
        return []
    if not isinstance(document, dict):
        return []
    found = document.get(key, [document])
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
