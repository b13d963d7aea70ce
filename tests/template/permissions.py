"""May this role do that? The part of IAM's rules that the template uses."""

from fnmatch import fnmatchcase
from typing import Any

from tests.template.rendered import Stack


def statements(stack: Stack, role: str) -> list[dict[str, Any]]:
    """Return every statement of a role's own policies."""
    return [
        statement
        for policy in stack.properties(role)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: str | list[str]) -> list[str]:
    """Return a list, as IAM reads a lone string."""
    return [value] if isinstance(value, str) else value


def allowed(stack: Stack, role: str, action: str, resource: str, given: str | None = None) -> bool:
    """Tell whether a statement allows it.

    `given` is what its condition looks at: the prefix of a listing, the source of an event.
    """
    return any(
        any(fnmatchcase(action, pattern) for pattern in listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        and _condition_holds(statement.get("Condition", {}), given)
        for statement in statements(stack, role)
    )


def _condition_holds(condition: dict[str, Any], given: str | None) -> bool:
    match condition:
        case {"StringEquals": {"s3:prefix": expected} | {"events:source": expected}}:
            return given == expected
        case {"StringLike": {"s3:prefix": patterns}}:
            return given is not None and any(fnmatchcase(given, p) for p in listed(patterns))
        case _:
            assert condition == {}, f"unknown: {condition}"
            return True
