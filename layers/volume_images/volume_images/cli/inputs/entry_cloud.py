"""A cloud that only an entry of clouds.yaml describes, for where no config does."""

import os
from dataclasses import dataclass

from pydantic import ValidationError

from volume_images.cloud.clouds_yaml import Place, read_clouds_yaml, read_place
from volume_images.cloud.hosts import host_name
from volume_images.config.documents import Plain
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCloud:
    """An entry, empty if there is none, and what is given besides; else the entry says it."""

    entry: str
    dialect: Dialect | None
    region: str | None
    project: str | None
    block_storage: str | None
    image: str | None


def document_of(given: EntryCloud) -> dict[str, Plain]:
    """Describe a cloud as a config does. Raises InputError, CredentialError."""
    place = read_place(given.entry, os.environ) if given.entry else Place()
    urls = {"block_storage": given.block_storage, "image": given.image}
    endpoints: dict[str, Plain] = {name: url for name, url in urls.items() if url}
    return {
        "dialect": str(given.dialect or _dialect_of(given.entry)),
        "region": _named("region", given.region or place.region),
        "project": _named("project", given.project or place.project),
        **({"clouds_yaml": given.entry} if given.entry else {}),
        **({"endpoints": endpoints} if endpoints else {}),
    }


def cloud_of(given: EntryCloud) -> CloudConfig:
    """Read the cloud of an entry. Raises InputError, CredentialError."""
    try:
        return CloudConfig.model_validate(document_of(given))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"clouds.yaml entry {given.entry}: {where}: {first['msg']}") from None


def _dialect_of(entry: str) -> Dialect:
    """Tell the dialect by where tokens are issued. Raises InputError, CredentialError."""
    if not entry:
        raise InputError("--dialect: not given: write huawei or openstack")
    host = host_name(read_clouds_yaml(entry, os.environ).auth_url)
    vendors = (
        dialect
        for dialect in Dialect
        if any(host.endswith(f".{domain}") for domain in dialect.traits.domains)
    )
    return next(vendors, Dialect.OPENSTACK)


def _named(what: str, text: str) -> str:
    """Return what is given, or the entry's. Raises InputError without either."""
    if not text:
        raise InputError(f"--{what}: not given, and no entry of clouds.yaml names it: give it")
    return text
