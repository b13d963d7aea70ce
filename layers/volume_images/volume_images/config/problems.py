"""pydantic's findings -> problems in the words of somebody who edits a config."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from volume_images.config.documents import Plain
from volume_images.errors import Problem

Path = tuple[str | int, ...]

WORDS = {
    "missing": "missing: it has no default",
    "extra_forbidden": "unknown key",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "greater_than": "must be more than {gt}",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "tuple_type": "must be a list",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "mapping_type": "must be a mapping of keys to values",
    "value_error": "{error}",
}
MOST_PROBLEMS = 100
"""More than a person mends before looking again; each costs a search for what was meant."""

LONGEST_STEP = 60
"""Characters of a key in a path: an unknown one may be as long as the document."""

BAD_KEY = "[key]"  # what pydantic appends to the place of a mapping's key


def problems_of(
    error: ValidationError,
    document: Plain,
    schema: Mapping[str, Any],
    patterns: Mapping[str, str],
) -> list[Problem]:
    """Translate every finding; what several alternatives say of one place becomes one problem.

    `schema` is the JSON Schema of the document, for the keys it knows; `patterns` says in words
    what each of its regular expressions asks for.
    """
    messages: dict[tuple[Path, bool], list[str]] = {}
    for details in islice(error.errors(include_url=False), MOST_PROBLEMS):
        path = _place(details, document)
        about_key = details["loc"][-1:] == (BAD_KEY,)
        said = messages.setdefault((path, about_key), [])
        message = _say(details, patterns)
        if details["type"] == "extra_forbidden":
            message += _suggestion(str(path[-1]), _known_keys(schema, path[:-1]))
        said.append(f"its name {message}" if about_key else message)
    problems = [
        Problem(spell_path(path), ", or ".join(dict.fromkeys(said)))
        for (path, _), said in messages.items()
    ]
    more = error.error_count() - MOST_PROBLEMS
    return [*problems, Problem("", f"and {more} more")] if more > 0 else problems


def problem(*path: str | int, says: str) -> Problem:
    """Say what is wrong at a place of the config."""
    return Problem(spell_path(path), says)


def spell_path(path: Sequence[str | int]) -> str:
    """Spell a path as in `volumes[3].id`; a key that is no plain word stands in brackets."""
    text = ""
    for step in map(_cut, path):
        if isinstance(step, str) and re.fullmatch(r"[A-Za-z0-9_-]+", step, re.ASCII):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text


def _cut(step: str | int) -> str | int:
    is_long = isinstance(step, str) and len(step) > LONGEST_STEP
    return f"{str(step)[:LONGEST_STEP]}..." if is_long else step


def _place(details: ErrorDetails, document: Plain) -> Path:
    """Cut the finding's location down to what the document has; the rest names alternatives."""
    path: list[str | int] = []
    node = document
    for step in details["loc"]:
        match node, step:
            case dict(), str() if step in node:
                node = node[step]
            case list(), int():
                node = node[step]
            case _ if details["type"] != "missing":
                break
        path.append(step)
    return tuple(path)


def _known_keys(schema: Mapping[str, Any], path: Path) -> list[str]:
    node: Any = schema
    for step in path:
        if isinstance(step, int):
            node = node["items"]
        elif "properties" in node:
            node = node["properties"][step]
        else:  # a mapping whose keys are names
            node = next(iter(node["patternProperties"].values()))
        node = node["anyOf"][0] if "anyOf" in node else node
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return list(node["properties"])


def _suggestion(key: str, known: Sequence[str]) -> str:
    close = get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"


def _say(details: ErrorDetails, patterns: Mapping[str, str]) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "string_type":
            return _no_string(details["input"])
        case "string_pattern_mismatch":
            return f"must be {patterns[context['pattern']]}"
        case kind:
            return WORDS.get(kind, "{msg}").format(**context, msg=details["msg"])


def _no_string(value: object) -> str:
    match value:
        case bool():
            return "must be a string; yes, no, on, off, true and false are booleans: quote it"
        case int() | float():
            return "must be a string, not a number: put it in quotes"
        case date():
            return "must be a string, not a date: put it in quotes"
        case _:
            return "must be a string"
