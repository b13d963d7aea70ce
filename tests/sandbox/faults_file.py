"""Fault documents: JSON or YAML to rules, and back."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tests.sandbox.faults import Faults

_ADAPTER = TypeAdapter(Faults)


class BadFaults(ValueError):
    """A document of faults that cannot be read; one line: where, what, what to write."""


def read_faults(path: Path) -> Faults:
    """Read a file. Raises BadFaults."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadFaults(f"{path}: {error.strerror}") from error
    return parse_faults(body, str(path))


def parse_faults(body: bytes, where: str) -> Faults:
    """Parse a document, JSON being YAML too. Raises BadFaults."""
    try:
        document = yaml.safe_load(body)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadFaults(f"{where}: {_line(error)}") from error
    try:
        return _ADAPTER.validate_python({} if document is None else document)
    except ValidationError as error:
        raise BadFaults(f"{where}: {_problem(error.errors()[0])}") from error


def as_document(faults: Faults) -> dict[str, Any]:
    """Write faults as they are read, without the defaults."""
    document: dict[str, Any] = _ADAPTER.dump_python(faults, mode="json", exclude_defaults=True)
    written = zip(faults.rules, document.get("rules", ()), strict=True)
    rules = [{"fault": rule.fault, **fields} for rule, fields in written]
    return {"seed": faults.seed, "rules": rules}


def _line(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return f"neither JSON nor YAML: {' '.join(str(error).split())}"


def _problem(details: ErrorDetails) -> str:
    """Say where a document is wrong, and what to write."""
    place = _place(details["loc"])
    context = details.get("ctx", {})
    match details["type"]:
        case "union_tag_not_found":
            return f"{place}.fault: missing"
        case "union_tag_invalid":
            return f"{place}.fault: {context['tag']!r} is none of {context['expected_tags']}"
        case "unexpected_keyword_argument":
            return f"{place}: unknown here: take it out"
        case "missing":
            return f"{place}: missing"
        case "tuple_type":
            return f"{place}: must be a list"
        case "model_attributes_type":
            return f"{place}: must be a mapping with `fault`"
        case "dataclass_type":
            return "must be a mapping with `seed` and `rules`"
        case _:
            return f"{place}: {details['msg'].replace('Input should', 'must')}"


def _place(location: tuple[int | str, ...]) -> str:
    """Write a location as `rules[2].rate`, without the fault that pydantic puts after the 2."""
    match location:
        case ("rules", int(number)):
            return f"rules[{number}]"
        case ("rules", int(number), _, *rest):
            return ".".join([f"rules[{number}]", *map(str, rest)])
        case _:
            return ".".join(map(str, location))
