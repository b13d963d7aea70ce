"""Every way into a cloud, and how it says no."""

from datetime import timedelta

import pytest

from tests.contract.expected import Expected
from tests.contract.refusing import refused
from tests.contract.sites import Site, Told, opened
from volume_images.errors import CredentialError

SMALL = timedelta(seconds=5)


@pytest.mark.parametrize("kind", ["password", "application_credential"])
def test_each_kind_of_secret_opens_the_project(site: Site, kind: str) -> None:
    cloud = opened(site, site.secret(kind))
    assert cloud.project_id == site.project_id
    assert set(site.volumes) <= {volume.id for volume in cloud.volumes.all()}


def test_a_project_may_be_given_by_its_id(site: Site) -> None:
    assert opened(site, project=site.project_id).project_id == site.project_id


def test_a_wrong_password_is_refused_for_good(site: Site, expected: Expected) -> None:
    error = refused(
        expected.wrong_password, "", lambda: opened(site, site.secret() | {"password": "wrong"})
    )
    assert isinstance(error, CredentialError)
    assert error.refused


def test_an_application_credential_that_is_gone_is_refused_for_good(
    site: Site, expected: Expected
) -> None:
    gone = "0" * 32
    secret = site.secret("application_credential") | {"application_credential_id": gone}
    error = refused(expected.unknown_credential, gone, lambda: opened(site, secret))
    assert isinstance(error, CredentialError)
    assert error.refused


def test_a_wrong_secret_of_an_application_credential_is_refused(
    site: Site, expected: Expected
) -> None:
    secret = site.secret("application_credential") | {"application_credential_secret": "wrong"}
    refused(expected.wrong_password, "", lambda: opened(site, secret))


def test_a_project_without_a_role_is_refused(site: Site, expected: Expected) -> None:
    refused(expected.wrong_password, "", lambda: opened(site, project="nobodys"))


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=10), timedelta(minutes=-10)])
def test_the_dates_of_answers_tell_how_far_our_clock_is_off(site: Site, ahead: timedelta) -> None:
    cloud = opened(site, clock=Told(site.clock, ahead))
    cloud.volumes.get(site.volumes[0])
    assert abs(cloud.clock_skew() + ahead) < SMALL
