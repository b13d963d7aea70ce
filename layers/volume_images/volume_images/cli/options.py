"""The options and arguments that several commands share."""

from typing import Annotated

import typer

from volume_images.dialect import Dialect

Images = Annotated[list[str], typer.Argument(metavar="IMAGE", help="Images by id or name.")]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE|S3",
        help="The config: a file, or s3://bucket/key.  [VOLUME_IMAGES_CONFIG]",
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FOLDER|S3",
        help="Where states and reports lie: a folder, or s3://bucket. For a config file: the"
        " folder .volume-images beside it.  [VOLUME_IMAGES_STORE]",
    ),
]
Deployment = Annotated[
    str | None,
    typer.Option(
        "--deployment",
        metavar="NAME",
        help="What tells this deployment's images from others'. For a store in a folder:"
        " local.  [VOLUME_IMAGES_DEPLOYMENT]",
    ),
]
DialectOfEntry = Annotated[
    Dialect | None,
    typer.Option(help="Of the cloud; by default, told by the address where tokens are issued."),
]
RegionOfEntry = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of the cloud; by default, the entry's.")
]
ProjectOfEntry = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Its name or id; by default, the entry's."),
]
BlockStorageUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where EVS or Cinder is; by default, the catalogue's."),
]
ImageUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where IMS or Glance is; by default, the catalogue's."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done; change nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Write the run's log to standard error, too.")
]


def examples(*lines: str) -> str:
    """Return the end of a command's help: lines that click does not fill."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
