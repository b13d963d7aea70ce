"""Where the two services of a cloud are: given, or in the catalogue, or by the vendor's pattern."""

import re
from dataclasses import dataclass

from keystoneauth1 import exceptions
from keystoneauth1.access import AccessInfo

from volume_images.cloud.hosts import AllowedHosts
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, HostNotAllowed

_VERSION = re.compile(r"/v(\d+)(?:\.\d+)?$")
# The regions of Open Telekom Cloud; Huawei Cloud's are everywhere else ("Regions and Endpoints").
_OTC_REGIONS = frozenset({"eu-de", "eu-nl"})
_HUAWEI_NAMES = {"block-storage": "evs", "image": "ims"}


@dataclass(frozen=True, slots=True)
class Service:
    """A service's address without version and project; `version` is `v2`, where one was given."""

    base: str
    version: str = ""

    @classmethod
    def parse(cls, url: str, project_id: str) -> "Service":
        """Take an address as people and catalogues write it: `.../v3/{project_id}` and less."""
        bare = url.rstrip("/").removesuffix(f"/{project_id}")
        version = _VERSION.search(bare)
        if version is None:
            return cls(bare)
        return cls(bare[: version.start()], f"v{version[1]}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the address of a service is looked up with; an access key brings no catalogue along."""

    dialect: Dialect
    region: str
    access: AccessInfo | None
    project_id: str
    hosts: AllowedHosts


def find_service(service_type: str, given: str | None, around: Surroundings) -> Service:
    """Find `block-storage` or `image`.

    Raises HostNotAllowed before any token is sent there, and CloudUnavailable when there is none.
    """
    url = given or _from_catalogue(service_type, around) or _by_pattern(service_type, around)
    try:
        around.hosts.check(url)
    except HostNotAllowed as error:
        origin = "`endpoints` of the config" if given else "the cloud's catalogue"
        raise HostNotAllowed(f"{service_type} as {origin} has it: {error.message}") from error
    return Service.parse(url, around.project_id)


def _from_catalogue(service_type: str, around: Surroundings) -> str | None:
    if around.access is None:
        return None
    try:
        # Knows the older names of a service as well: volumev3, volumev2, volume.
        urls = around.access.service_catalog.get_urls(
            service_type=service_type, interface="public", region_name=around.region
        )
    except (exceptions.ClientException, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CloudUnavailable("the service catalogue of the token cannot be read") from error
    return next((url for url in urls if isinstance(url, str) and url), None)


def _by_pattern(service_type: str, around: Surroundings) -> str:
    if around.dialect is not Dialect.HUAWEI:
        raise CloudUnavailable(
            f"the catalogue has no public {service_type} endpoint in region {around.region};"
            " correct `region`, or give `endpoints`, in the config"
        )
    domain = "otc.t-systems.com" if around.region in _OTC_REGIONS else "myhuaweicloud.com"
    return f"https://{_HUAWEI_NAMES[service_type]}.{around.region}.{domain}"
