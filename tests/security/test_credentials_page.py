"""docs/credentials.md tells of every shape of secret, by examples that are read as they stand."""

import json
import re
from pathlib import Path

import pytest

from volume_images.cloud.credentials import KINDS, parse_secret
from volume_images.cloud.hosts import VENDOR_DOMAINS

PAGE = (Path(__file__).parents[2] / "docs" / "credentials.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_a_secret(example: str) -> None:
    assert parse_secret(example, "example").auth_url == json.loads(example)["auth_url"]


def test_every_shape_has_an_example() -> None:
    shown = {key for example in EXAMPLES for key in json.loads(example)}
    known = {key for keys in KINDS.values() for key in keys}
    assert shown == known | {"auth_url", "hosts", "security_token", "domain_id", "agency"}


def test_every_vendor_s_domain_is_named() -> None:
    assert [domain for domain in VENDOR_DOMAINS if f"`{domain}`" not in PAGE] == []
