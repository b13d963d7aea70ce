"""Bytes of JSON or YAML -> plain data: no aliases, no duplicate keys, plain values only."""

import json
from datetime import date
from typing import Any, NoReturn

import yaml

from volume_images.errors import ConfigError, Problem

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - PyYAML without libyaml: slower, else the same
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20  # the config needs 6; libyaml's own composer crashes the process at about 20,000
MAX_SHOWN = 40
MAX_NUMBER = 100  # characters: YAML reads numbers of base 60, in time that grows by the square

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | date | None


class _Fault(Exception):
    """What is wrong with the text, and where."""

    def __init__(self, mark: Any, message: str) -> None:  # noqa: ANN401 - two loaders, two marks
        super().__init__(message)
        self.where = _where(mark)


def read_document(body: bytes, source: str) -> Plain:
    """Parse a UTF-8 document of at most 1 MiB, JSON or YAML 1.1.

    Mapping keys are always strings. A date is left a date, for the reader of the data to refuse
    with the path. Raises ConfigError with one problem, whose path is the line and the column.
    """
    try:
        text = _decode(body)
        if text.lstrip().startswith("{"):
            try:
                return _read_json(text)
            except (ValueError, RecursionError):
                pass  # a mapping of YAML may start so too, and its parser tells line and column
        return _read_yaml(text)
    except _Fault as fault:
        raise ConfigError(source, [Problem(fault.where, str(fault))]) from None
    except yaml.YAMLError as error:
        raise ConfigError(source, [_syntax_problem(error)]) from None
    except ValueError as error:
        raise ConfigError(source, [Problem("", str(error))]) from None


def _decode(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise ValueError(f"{len(body)} bytes are too much: at most {MAX_BYTES} (1 MiB)")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}: save the file as UTF-8") from None


def _read_json(text: str) -> Plain:
    """Raise ValueError for a duplicate key, for NaN and for half a surrogate pair, too."""

    def unique(pairs: list[tuple[str, Plain]]) -> dict[str, Plain]:
        mapping = dict(pairs)
        if len(mapping) < len(pairs):
            raise ValueError("a key is there twice")
        return mapping

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no JSON")

    document: Plain = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    if "\\u" in text:
        json.dumps(document, ensure_ascii=False).encode()
    return document


def _read_yaml(text: str) -> Plain:
    """Build the data from the parser's events, with a bound on depth that its composer lacks."""
    loader: Any = _Loader(text)
    try:
        loader.get_event()  # the start of the stream
        if loader.check_event(yaml.StreamEndEvent):
            raise ValueError("the document is empty")
        loader.get_event()  # the start of the document
        document = _read_value(loader, 0)
        loader.get_event()  # its end
        if not loader.check_event(yaml.StreamEndEvent):
            raise _Fault(loader.peek_event().start_mark, "a second document: only one is read")
        return document
    finally:
        loader.dispose()


def _read_value(loader: Any, depth: int) -> Plain:  # noqa: ANN401 - two loaders, no common type
    event = loader.get_event()
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _Fault(event.start_mark, "anchors and aliases are not read: write the value out")
    if event.tag is not None:
        raise _Fault(event.start_mark, f"the tag {_short(event.tag)} is not read: leave it out")
    if depth > MAX_DEPTH:
        raise _Fault(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(event, yaml.ScalarEvent):
        return _read_scalar(loader, event)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Plain] = []
        while not loader.check_event(yaml.SequenceEndEvent):
            items.append(_read_value(loader, depth + 1))
        loader.get_event()
        return items
    mapping: dict[str, Plain] = {}
    while not loader.check_event(yaml.MappingEndEvent):
        mark = loader.peek_event().start_mark
        key = _read_value(loader, depth + 1)
        if not isinstance(key, str):
            raise _Fault(mark, f"a key must be a string, not {_named(key)}: put it in quotes")
        if key in mapping:
            raise _Fault(mark, f"the key {_short(key)} is there twice: leave one of them out")
        mapping[key] = _read_value(loader, depth + 1)
    loader.get_event()
    return mapping


def _read_scalar(loader: Any, event: Any) -> Plain:  # noqa: ANN401 - as above
    text: str = event.value
    tag = loader.resolve(yaml.ScalarNode, text, event.implicit)
    node = yaml.ScalarNode(tag, text, event.start_mark)
    value: Plain
    if len(text) > MAX_NUMBER and tag.endswith((":int", ":float")):
        raise _Fault(event.start_mark, f"{_short(text)} is too long a number: put it in quotes")
    try:
        match tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                value = text
            case "int":
                value = loader.construct_yaml_int(node)
            case "float":
                value = loader.construct_yaml_float(node)
            case "bool":
                value = loader.construct_yaml_bool(node)
            case "null":
                value = None
            case "timestamp":
                value = loader.construct_yaml_timestamp(node)
            case _:  # `<<` and `=`
                raise _Fault(event.start_mark, f"{text!r} is not read: put it in quotes")
    except ValueError:  # a 13th month, a number of thousands of digits
        shown = _short(text)
        raise _Fault(event.start_mark, f"{shown} cannot be read: put it in quotes") from None
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")


def _named(value: Plain) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case date():
            return "a date"
        case None:
            return "nothing"
        case _:
            return "a list or a mapping"


def _where(mark: Any) -> str:  # noqa: ANN401 - as above
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        message = f"{error.problem or 'cannot be read'} {error.context or ''}".strip()
        return Problem(_where(error.problem_mark), f"neither JSON nor YAML: {message}")
    return Problem("", "neither JSON nor YAML: " + " ".join(str(error).split()))
