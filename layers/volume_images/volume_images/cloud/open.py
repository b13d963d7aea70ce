"""Opening a cloud: from config and secret to one project whose volumes and images can be used."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import assert_never

from volume_images.cloud.access_keys import AccessKeySigner
from volume_images.cloud.credentials import AccessKey, ApplicationCredential, Password, Secret
from volume_images.cloud.endpoints import Surroundings, find_service
from volume_images.cloud.hosts import AllowedHosts
from volume_images.cloud.huawei import HuaweiImages, HuaweiVolumes
from volume_images.cloud.image_jobs import ImageJobs
from volume_images.cloud.images import CloudImages, ImageDialect
from volume_images.cloud.new_volumes import NewVolumes
from volume_images.cloud.openstack import OpenstackImages, OpenstackVolumes
from volume_images.cloud.pacing import Clock, Gate
from volume_images.cloud.session import CloudSession, Login, Record
from volume_images.cloud.tokens import Tokens
from volume_images.cloud.volumes import CloudVolumes, VolumeDialect
from volume_images.config.schema import CloudConfig, Endpoints
from volume_images.dialect import Dialect
from volume_images.errors import CredentialError


@dataclass(frozen=True, slots=True)
class OpenedCloud:
    """One project of one cloud, authenticated; all of it may be used by many threads at once."""

    project_id: str
    volumes: CloudVolumes
    images: CloudImages
    restoring: NewVolumes
    _session: CloudSession = field(repr=False)

    def clock_skew(self) -> timedelta:
        """Return how far the `Date` of its newest answer was ahead of our clock."""
        return self._session.skew


def open_cloud(
    config: CloudConfig,
    secret: Secret,
    *,
    clock: Clock,
    tls: ssl.SSLContext,
    system_clock: Clock | None = None,
    record: Record | None = None,
) -> OpenedCloud:
    """Ask for a token, and find the services; `record` takes in what is then said to them.

    Signatures live in real time: `system_clock` tells it where `clock` is a sandbox's.
    Raises CredentialError, HostNotAllowed, Throttled or CloudUnavailable.
    """
    gate = Gate(
        clock,
        requests_per_second=config.requests_per_second,
        at_once=config.max_concurrency,
    )
    session = CloudSession(
        secret,
        _login(config, secret, clock, system_clock or clock),
        gate=gate,
        connections=config.max_concurrency,
        clock=clock,
        tls=tls,
        record=record,
    )
    return _found(config, session, secret.allowed_hosts)


def _found(config: CloudConfig, session: CloudSession, hosts: AllowedHosts) -> OpenedCloud:
    """Find the project and its services, and put before each what speaks its dialect."""
    admission = session.enter(config.project)
    project_id = admission.project_id
    around = Surroundings(config.dialect, config.region, admission.access, project_id, hosts)
    given = config.endpoints or Endpoints()
    block_storage = find_service("block-storage", given.block_storage, around)
    image = find_service("image", given.image, around)
    volumes: VolumeDialect
    images: ImageDialect
    jobs: ImageJobs | None = None
    match config.dialect:
        case Dialect.HUAWEI:
            volumes = HuaweiVolumes(block_storage, project_id)
            images = HuaweiImages(image, project_id)
            if config.strategy == "ims_job":
                jobs = ImageJobs(session, image, project_id)
        case Dialect.OPENSTACK:
            volumes = OpenstackVolumes(block_storage, project_id)
            images = OpenstackImages(image, project_id)
        case _:
            assert_never(config.dialect)
    return OpenedCloud(
        project_id=project_id,
        volumes=CloudVolumes(session, volumes, jobs),
        images=CloudImages(session, images),
        restoring=NewVolumes(session, volumes),
        _session=session,
    )


def _login(config: CloudConfig, secret: Secret, clock: Clock, system_clock: Clock) -> Login:
    match secret.login:
        case AccessKey() if not config.dialect.traits.takes_access_keys:
            raise CredentialError(
                f"an access key opens no cloud of the dialect {config.dialect}; give the secret a"
                " user with a password, or an application credential"
            )
        case AccessKey() as key:
            return AccessKeySigner(key, system_clock)
        case Password() | ApplicationCredential() as login:
            return Tokens(secret, login, config.project, clock)
        case _:
            assert_never(secret.login)
