"""What `os-volume_upload_image` accepts, in each dialect, and how it refuses the rest.

Sources: Cinder's schema for the call and a real OpenStack's answers; the EVS API reference.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.sandbox.answers import Refusal, cinder_error, coded_error, schema_error
from tests.sandbox.things import Visibility

ACTION = "os-volume_upload_image"
MICROVERSION_OF_VISIBILITY = (3, 1)

CINDER_DISK_FORMATS = ("raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx", "ploop")
GLANCE_CONTAINERS = (None, "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
GLANCE_CONTAINER_SCHEMA = (
    "    {'type': ['null', 'string'],\n"
    "     'description': 'Format of the container',\n"
    "     'enum': [" + ",\n              ".join(map(repr, GLANCE_CONTAINERS)) + "]}"
)
TRUE_WORDS = (True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t")
FALSE_WORDS = (
    False,
    "False",
    "FALSE",
    "false",
    "0",
    "OFF",
    "Off",
    "off",
    "NO",
    "No",
    "no",
    "n",
    "f",
)
VISIBILITIES = ("community", "public", "private", "shared")

EVS_DISK_FORMATS = ("vhd", "zvhd", "zvhd2", "raw", "qcow2")
EVS_CONTAINERS = ("ami", "ari", "aki", "ovf", "bare")
EVS_OS_TYPES = ("windows", "linux")
EVS_NAME = re.compile(r"[A-Za-z0-9._-]([A-Za-z0-9._ -]{0,126}[A-Za-z0-9._-])?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """An export as it was asked for, defaults filled in."""

    image_name: str
    disk_format: str
    container_format: str
    force: bool
    visibility: Visibility
    protected: bool = False
    os_type: str = ""


def cinder_options(given: Any, microversion: tuple[int, int]) -> ExportOptions:  # noqa: ANN401
    """Check the options as Cinder does. Raises Refusal with its 400."""
    if not isinstance(given, Mapping):
        raise _invalid(ACTION, given, f"{given!r} is not of type 'object'")
    if "image_name" not in given:
        raise _invalid(ACTION, given, "'image_name' is a required property")
    newer = {"visibility", "protected"} if microversion >= MICROVERSION_OF_VISIBILITY else set()
    known = {"image_name", "disk_format", "container_format", "force"} | newer
    surplus = [name for name in given if name not in known]
    if surplus:
        names = ", ".join(f"'{name}'" for name in surplus)
        verb = "was" if len(surplus) == 1 else "were"
        message = f"Additional properties are not allowed ({names} {verb} unexpected)"
        raise _invalid(ACTION, given, message)
    disk_format = _one_of(given, "disk_format", "raw", CINDER_DISK_FORMATS)
    visibility = _one_of(given, "visibility", "shared", VISIBILITIES)
    return ExportOptions(
        image_name=_cinder_name(given["image_name"]),
        disk_format=disk_format,
        container_format=_glance_container(given.get("container_format", "bare")),
        force=_boolean(given, "force"),
        visibility=Visibility(visibility),
        protected=_boolean(given, "protected"),
    )


def evs_options(given: Any) -> ExportOptions:  # noqa: ANN401 - whatever the client sent
    """Check the options as EVS documents them. Raises Refusal with a 400."""
    if not isinstance(given, Mapping):
        raise _malformed("the request body is not an object")
    name = given.get("image_name")
    if not isinstance(name, str) or not EVS_NAME.fullmatch(name):
        raise _malformed("image_name must be 1 to 128 letters, digits, '-', '.', '_' or spaces")
    force = given.get("force", False)
    if not isinstance(force, bool):
        raise _malformed("force must be a boolean")
    disk_format = given.get("disk_format", "vhd")
    container_format = given.get("container_format", "bare")
    os_type = given.get("__os_type", "linux")
    for field, value, allowed in (
        ("disk_format", disk_format, EVS_DISK_FORMATS),
        ("container_format", container_format, EVS_CONTAINERS),
        ("__os_type", os_type, EVS_OS_TYPES),
    ):
        if value not in allowed:
            raise _malformed(f"{field} must be one of {', '.join(allowed)}")
    return ExportOptions(
        image_name=name,
        disk_format=disk_format,
        container_format=container_format,
        force=force,
        visibility=Visibility.PRIVATE,
        os_type=os_type,
    )


def _malformed(why: str) -> Refusal:
    return coded_error(400, "EVS.5400", f"Invalid input received: {why}")


def _invalid(field: str, value: object, why: str) -> Refusal:
    message = f"Invalid input for field/attribute {field}. Value: {value}. {why}"
    return cinder_error(400, "badRequest", message)


def _cinder_name(name: object) -> str:
    if not isinstance(name, str):
        raise _invalid("image_name", name, f"{name!r} is not of type 'string'")
    if not name:
        raise _invalid("image_name", name, "'' should be non-empty")
    if len(name) > 255:
        raise _invalid("image_name", name, f"'{name}' is too long")
    return name


def _one_of(given: Mapping[str, Any], field: str, default: str, allowed: tuple[str, ...]) -> str:
    value = given.get(field, default)
    if value not in allowed:
        raise _invalid(field, value, f"{value!r} is not one of {list(allowed)}")
    return str(value)


def _boolean(given: Mapping[str, Any], field: str) -> bool:
    value = given.get(field, False)
    if (value in TRUE_WORDS and value != 1) or value is True:
        return True
    if (value in FALSE_WORDS and value != 0) or value is False:
        return False
    allowed = [*TRUE_WORDS, *FALSE_WORDS]
    raise _invalid(field, value, f"{value!r} is not one of {allowed}")


def _glance_container(value: object) -> str:
    """Glance checks this one, and Cinder wraps its text."""
    if value is None or value not in GLANCE_CONTAINERS:
        reason = schema_error(
            f"{value!r} is not one of {list(GLANCE_CONTAINERS)}",
            "properties.container_format",
            "enum",
            GLANCE_CONTAINER_SCHEMA,
            value,
        )
        message = f"Unable to set 'container_format' to '{value}'. Reason: {reason}"
        raise cinder_error(400, "badRequest", message)
    return str(value)
