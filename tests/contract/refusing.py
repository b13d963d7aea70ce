"""Checking a refusal against what is expected of the dialect."""

import re
from collections.abc import Callable

import pytest

from tests.contract.expected import Refusal
from volume_images.errors import CloudError


def refused(expected: Refusal, about: str, ask: Callable[[], object]) -> CloudError:
    """Ask for what must be refused in exactly this way; `about` fills the words' gaps."""
    with pytest.raises(expected.kind) as caught:
        ask()
    error = caught.value
    assert type(error) is expected.kind
    assert (error.status, error.code) == (expected.status, expected.code)
    assert re.fullmatch(r"(req-)?[0-9a-f-]{32,36}", error.request_id)
    where, _, words = error.message.partition(": ")
    assert re.fullmatch(r"(GET|POST|DELETE) http://\S+", where)
    assert words == expected.words.replace("{}", about)
    return error
