"""What the sandbox's users open its cloud with, in every shape that a vault may hold."""

from datetime import timedelta
from typing import Any

from tests.sandbox.identity import Identity, User
from tests.sandbox.signatures import AccessKey

KINDS = ("password", "application_credential", "access_key", "temporary_access_key", "agency")
TEMPORARY = timedelta(hours=1)


def secret_of(identity: Identity, role: str, kind: str) -> dict[str, Any]:
    """Return a role's secret of one of the KINDS, but for the address."""
    user = identity.users[role]
    match kind:
        case "password":
            return _by_password(user)
        case "application_credential":
            return {
                "application_credential_id": user.credential_id,
                "application_credential_secret": user.credential_secret,
            }
        case "access_key":
            return _by_key(user.access_key)
        case "temporary_access_key":
            key = identity.temporary_key(role, TEMPORARY)
            return {**_by_key(key), "security_token": key.security_token}
        case "agency":
            agency = {"name": user.agency_name, "domain": user.domain_name}
            return {**_by_password(identity.operator), "agency": agency}
        case _:
            raise ValueError(f"{kind} is none of {KINDS}")


def _by_password(user: User) -> dict[str, Any]:
    return {"username": user.name, "password": user.password, "domain": user.domain_name}


def _by_key(key: AccessKey) -> dict[str, Any]:
    return {"access_key": key.id, "secret_key": key.secret}
