"""Which requests a rule can strike at all: those that match, and that its fault is about."""

import re
from fnmatch import fnmatchcase

from tests.sandbox.faults import (
    BadPages,
    Ending,
    InFlight,
    LostMarker,
    Reads,
    ShownLate,
    Striking,
)
from tests.sandbox.wire import Request

_LISTING = re.compile(r".*/((cloud)?volumes(/detail)?|(cloud)?images)/?")
_STARTS = (b'"os-volume_upload_image"', b'"data_images"')


def targets(rule: Striking, request: Request) -> bool:
    """Tell whether a rule counts a request."""
    path = request.sent_path
    if rule.service is not None and not path.startswith(f"/{rule.service}/"):
        return False
    matches = fnmatchcase(request.method, rule.method) and fnmatchcase(path, rule.path)
    return matches and _concerns(rule, request)


def _concerns(rule: Striking, request: Request) -> bool:
    match rule:
        case BadPages() | ShownLate(reads=Reads.LISTINGS):
            return _lists(request)
        case ShownLate(reads=Reads.BY_ID):
            return request.method == "GET" and not _lists(request)
        case ShownLate():
            return request.method == "GET"
        case LostMarker():
            return _lists(request) and request.argument("marker") is not None
        case Ending() | InFlight():
            return request.method == "POST" and any(each in request.body for each in _STARTS)
        case _:
            return True


def _lists(request: Request) -> bool:
    return request.method == "GET" and _LISTING.fullmatch(request.path) is not None
