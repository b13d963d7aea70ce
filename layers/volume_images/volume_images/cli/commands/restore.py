"""`restore`: a new volume of an image; the old volume is never touched."""

from typing import Annotated

import typer

from volume_images.cli import options
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.inputs.entry_cloud import EntryCloud
from volume_images.cli.inputs.restore_site import RestoreSite, site_of_config, site_of_entry
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.cli.output.printing import complain
from volume_images.cli.output.restore_progress import shown
from volume_images.cli.output.restored import print_restored
from volume_images.cli.stopping import stoppable
from volume_images.cli.times import moment_of
from volume_images.errors import InputError
from volume_images.restore.making import Progress as Look
from volume_images.restore.new_volume import Wishes
from volume_images.restore.run import Order, Watchers, plan_restore, restore_run


def restore(  # noqa: PLR0913 - its options
    volume: Annotated[
        str | None,
        typer.Argument(
            metavar="VOLUME",
            help="The volume to bring back, gone or not: its id, or its name in the config.",
        ),
    ] = None,
    *,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="From the newest image captured by then, as in 2026-03-01T12:00:00Z; by default"
            " from the newest of all.",
        ),
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="From this image, by its id or name.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the new volume.")
    ] = None,
    volume_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="By default, as the old one's.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="By default, as the old one's.")
    ] = None,
    size_gib: Annotated[
        int | None,
        typer.Option("--size", min=1, metavar="GIB", help="By default, as the old one's."),
    ] = None,
    cloud: Annotated[
        str | None,
        typer.Option(metavar="CLOUD", help="The cloud of the config, where several may have it."),
    ] = None,
    clouds_yaml: Annotated[
        str | None,
        typer.Option(
            metavar="ENTRY",
            help="Without config and AWS: the cloud of this entry of clouds.yaml; envvars: of"
            " OS_AUTH_URL and so on.",
        ),
    ] = None,
    dialect: options.DialectOfEntry = None,
    region: options.RegionOfEntry = None,
    project: options.ProjectOfEntry = None,
    block_storage_url: options.BlockStorageUrl = None,
    image_url: options.ImageUrl = None,
    config: options.Config = None,
    store: options.Store = None,
    deployment: options.Deployment = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
) -> int:
    """Make a new volume from the newest good image of a volume. The old one is never touched.

    It needs the cloud's `restore` secret. Zone, type and size are those of the old volume; of one
    that is gone, those that cleanup remembers. The image is pinned meanwhile, so that cleanup does
    not delete it.
    """
    if volume is None and image is None:
        raise InputError("nothing to restore is named: give a VOLUME, or --image IMAGE")
    if as_of is not None and image is not None:
        raise InputError("--as-of and --image: give one of them")
    moment = moment_of("--as-of", as_of) if as_of is not None else None
    if clouds_yaml is not None:
        entry = EntryCloud(
            entry=clouds_yaml,
            dialect=dialect,
            region=region,
            project=project,
            block_storage=block_storage_url,
            image=image_url,
        )
        site = site_of_entry(entry, volume or "")
    else:
        settings = settings_by_hand(config=config, store=store, deployment=deployment)
        site = site_of_config(settings, cloud, volume or "", image or "", complain)
    order = Order(
        volume_id=site.volume_id,
        image=image or "",
        as_of=moment,
        wishes=Wishes(
            name=name or "",
            zone=zone or "",
            volume_type=volume_type or "",
            size_gib=size_gib or 0,
        ),
        dialect=site.dialect,
        ours=site.ours,
    )
    return _restore(site, order, dry_run=dry_run, as_json=as_json)


EXAMPLES = options.examples(
    "volume-images restore 16369c5d-384d-4e64-b37a-56d898769362",
    "volume-images restore db01-data --as-of 2026-03-01T12:00:00Z --dry-run",
    "volume-images restore --clouds-yaml otc --image IMAGE --zone eu-de-01",
)


def _restore(site: RestoreSite, order: Order, *, dry_run: bool, as_json: bool) -> int:
    plan = plan_restore(site.cloud, order, site.run_id)
    for warning in plan.warnings:
        _warn(warning)
    if dry_run:
        print_restored(site.name, plan, None, as_json=as_json)
        return ExitCode.FINE
    volume_id = ""
    try:
        with stoppable(), shown() as show:

            def tell(look: Look) -> None:
                nonlocal volume_id
                volume_id = look.volume_id
                show(plan.new.name, look)

            watchers = Watchers(warn=_warn, tell=tell)
            volume = restore_run(site.cloud, plan, site.run_id, site.clock, watchers)
    except KeyboardInterrupt:
        made = f"volume {volume_id}" if volume_id else f"look for a volume {plan.new.name}"
        complain(f"{made}: is left as it is, look at it in the cloud before you restore again")
        raise
    print_restored(site.name, plan, volume, as_json=as_json)
    return ExitCode.FINE


def _warn(said: str) -> None:
    complain(f"warning: {said}")
