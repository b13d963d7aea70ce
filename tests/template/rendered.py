"""Read template.yaml as CloudFormation would: intrinsics, parameters and conditions applied."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "volume-images",
}
NO_VALUE = object()


class _Loader(yaml.SafeLoader):
    """Spells `!Sub x` as {"Fn::Sub": x}, as JSON templates do."""


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    return {name: value.split(".", 1) if tag == "GetAtt" else value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template() -> dict[str, Any]:
    """Return the template as it is written, intrinsics in their long form."""
    return yaml.load(TEMPLATE.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader


class Stack:
    """The template with every value in place. An ARN is spelled `arn:` and the logical id."""

    def __init__(self, **parameters: str) -> None:
        self._values: dict[str, Any] = dict(PSEUDO_PARAMETERS)
        for name, parameter in template()["Parameters"].items():
            value = parameters.pop(name, parameter.get("Default"))
            listed = parameter["Type"] == "CommaDelimitedList"
            self._values[name] = value.split(",") if listed else value
        assert parameters == {}, "no such parameters"
        self.resources: dict[str, dict[str, Any]] = {
            name: self._render(resource)
            for name, resource in template()["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }
        self.outputs = self._render(template()["Outputs"])

    def properties(self, name: str) -> dict[str, Any]:
        """Return a resource's properties; a function's with the globals under them."""
        resource = self.resources[name]
        if resource["Type"] != "AWS::Serverless::Function":
            return resource["Properties"]
        return _merged(self._render(template()["Globals"]["Function"]), resource["Properties"])

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of all resources of a type, by logical id."""
        return {
            name: self.properties(name)
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def _holds(self, condition: str) -> bool:
        return self._render(template()["Conditions"][condition])

    # One case an intrinsic, and a node is whatever YAML holds.
    def _render(self, node: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912
        match node:
            case {"Ref": "AWS::NoValue"}:
                return NO_VALUE
            case {"Ref": name}:
                return self._values.get(name, name)
            case {"Fn::GetAtt": [name, attribute]}:
                return _attribute(name, attribute)
            case {"Fn::Sub": [text, names]}:
                for name, value in self._render(names).items():
                    text = text.replace(f"${{{name}}}", value)
                return self._render({"Fn::Sub": text})
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([^}]+)\}", self._substituted, text)
            case {"Fn::If": [condition, then, otherwise]}:
                return self._render(then if self._holds(condition) else otherwise)
            case {"Fn::Not": [condition]}:
                return not self._render(condition)
            case {"Fn::Equals": [left, right]}:
                return self._render(left) == self._render(right)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self._render(parts))
            case {"Fn::Split": [separator, text]}:
                return self._render(text).split(separator)
            case {"Fn::Select": [index, parts]}:
                return self._render(parts)[index]
            case dict():
                assert not any(str(key).startswith("Fn::") for key in node), f"unknown: {node}"
                rendered = {key: self._render(value) for key, value in node.items()}
                return {key: value for key, value in rendered.items() if value is not NO_VALUE}
            case list():
                return [item for part in node if (item := self._render(part)) is not NO_VALUE]
            case _:
                return node

    def _substituted(self, match: re.Match[str]) -> str:
        name, _, attribute = match[1].partition(".")
        return _attribute(name, attribute) if attribute else str(self._values.get(name, name))


def _attribute(name: str, attribute: str) -> str:
    return f"arn:{name}" if attribute == "Arn" else f"{name}.{attribute}"


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        if isinstance(under[key], dict):
            merged[key] = _merged(under[key], over[key])
    return merged
