"""Agencies: a token of our own user buys one of another account, as far as it allows."""

from collections.abc import Mapping

from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from typing_extensions import override

from volume_images.cloud.credentials import Agency


class AssumeRole(v3.AuthMethod):
    """IAM's token method `assume_role` ("Obtaining an Agency Token"), beside keystoneauth1's own.

    `user` buys the token to ask with: a new one each time, since this is asked a few times a day.
    """

    def __init__(self, user: v3.Auth, agency: Agency) -> None:
        super().__init__()
        self._user = user
        self._agency = agency

    @override
    def get_auth_data(
        self, session: Session, auth: v3.Auth, headers: dict[str, str], request_kwargs: object
    ) -> tuple[str, Mapping[str, object]]:
        """Return the method and its part of the body; the user's token goes into the headers."""
        headers["X-Auth-Token"] = self._user.get_auth_ref(session).auth_token or ""
        agency = {"agency_name": self._agency.name, "domain_name": self._agency.domain}
        return "assume_role", agency
