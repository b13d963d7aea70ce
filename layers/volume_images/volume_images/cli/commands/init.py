"""`init`: a first config, proposed from what is in a cloud."""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from pydantic import ValidationError

from volume_images.bootstrap import open_cloud_to_look
from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.entry_cloud import EntryCloud, document_of
from volume_images.cli.inputs.settings import settings_without_config
from volume_images.cli.output.printing import complain, print_json, print_text
from volume_images.cloud.clouds_yaml import has_entry
from volume_images.cloud.open import OpenedCloud
from volume_images.config.documents import Plain
from volume_images.config.fields import PATTERNS
from volume_images.config.problems import problems_of
from volume_images.config.schema import CloudConfig, Config, config_schema
from volume_images.connections import Connections
from volume_images.errors import ConfigError
from volume_images.export.preflight import obstacle
from volume_images.model import Volume
from volume_images.proposal.fitting import Proposal, Survey, propose
from volume_images.proposal.writing import shortage, write_proposal


def init(  # noqa: PLR0913 - its options
    cloud: Annotated[
        str, typer.Argument(metavar="CLOUD", help="A name of your own for it, as in otc.")
    ],
    *,
    clouds_yaml: Annotated[
        str | None,
        typer.Option(
            "--clouds-yaml",
            metavar="ENTRY",
            help="Credentials, region and project from this entry of clouds.yaml; envvars: from"
            " OS_AUTH_URL and so on. By default from the entry CLOUD; without one, credentials from"
            " the secret PREFIX/export/CLOUD of AWS.",
        ),
    ] = None,
    dialect: options.DialectOfEntry = None,
    region: options.RegionOfEntry = None,
    project: options.ProjectOfEntry = None,
    block_storage: options.BlockStorageUrl = None,
    image: options.ImageUrl = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="First part of every image's name; by default made of CLOUD."
        ),
    ] = None,
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="Of the schedules, as in Europe/Berlin.")
    ] = "UTC",
    quota: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many images the project may hold, where the cloud does not tell.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Look at a cloud, and write a first config that fits it.

    Volumes are grouped into policies by their tags; schedules and retention are what time and
    image quota allow. Nothing in the cloud is changed. Read the comments before you use it.
    """
    entry = clouds_yaml or (cloud if has_entry(cloud, os.environ) else "")
    given = EntryCloud(
        entry=entry,
        dialect=dialect,
        region=region,
        project=project,
        block_storage=block_storage,
        image=image,
    )
    document = document_of(given)
    if quota:
        document["image_quota"] = quota
    first = prefix or _prefix(cloud)
    config = _validated(cloud, document, first, timezone)
    opened = open_cloud_to_look(settings_without_config(), cloud, config, Connections())
    proposal = propose(_survey(opened, cloud, config, first, timezone))
    refused = _refused(proposal)
    if as_json:
        print_json(proposal.config.model_dump(mode="json", exclude_unset=True, exclude_none=True))
    else:
        print_text(write_proposal(proposal, refused))
    if not proposal.fits:
        complain(shortage(proposal))
    return ExitCode.FINE


EXAMPLES = options.examples(
    "volume-images init otc > config.yaml",
    "volume-images init lab --clouds-yaml envvars > config.yaml",
    "volume-images init otc --dialect huawei --region eu-de --project backup",
)


def _prefix(cloud: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", cloud)[:20]


def _validated(cloud: str, document: dict[str, Plain], prefix: str, zone: str) -> CloudConfig:
    """Check what was given before anything is asked of the cloud. Raises ConfigError."""
    smallest: Plain = {
        "prefix": prefix,
        "clouds": {cloud: document},
        "policies": {"all": {"select": {}, "timezone": zone, "retention": {"keep_last": 1}}},
    }
    try:
        return Config.model_validate(smallest).clouds[cloud]
    except ValidationError as error:
        problems = problems_of(error, smallest, config_schema(), PATTERNS)
        raise ConfigError("init", problems) from None


def _survey(
    opened: OpenedCloud, cloud: str, config: CloudConfig, prefix: str, timezone: str
) -> Survey:
    images = len(opened.images.all())
    room = opened.images.room()
    return Survey(
        name=cloud,
        prefix=prefix,
        timezone=timezone,
        cloud=config,
        volumes=opened.volumes.all(),
        images=images,
        quota=config.image_quota if room is None else images + room,
    )


def _refused(proposal: Proposal) -> Mapping[str, Sequence[Volume]]:
    """Find the volumes whose exports would be refused, by reason; what passes by itself is none."""
    found: dict[str, list[Volume]] = {}
    (cloud,) = proposal.config.clouds.values()
    for group in proposal.grouping.groups:
        export = proposal.config.policies[group.policy].export
        for volume in group.volumes:
            hindrance = obstacle(volume, export, cloud)
            if hindrance is not None and not hindrance.passing:
                found.setdefault(hindrance.reason, []).append(volume)
    return found
