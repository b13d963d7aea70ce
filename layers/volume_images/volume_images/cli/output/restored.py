"""What `restore` says of the volume that it made, or would make."""

from volume_images.cli.output.printing import print_json, print_line
from volume_images.model import Volume
from volume_images.restore.choosing import spelled
from volume_images.restore.run import RestorePlan


def print_restored(cloud: str, plan: RestorePlan, volume: Volume | None, *, as_json: bool) -> None:
    """Say what was made, or would be; and what comes next."""
    if as_json:
        made = {"volume_id": volume.id, "status": volume.status} if volume else None
        document = {"cloud": cloud, "dry_run": volume is None, "restored": made}
        print_json({**document, **plan.as_json(), "warnings": list(plan.warnings)})
        return
    new, image = plan.new, plan.image
    slot = f", slot {spelled(plan.slot)}" if plan.slot else ""
    where = f" in {new.zone}" if new.zone else ""
    kind = new.volume_type or "the cloud's choice of type"
    print_line("dry run, nothing was made" if volume is None else f"restored in {cloud}")
    print_line(f"  of      {plan.old_volume_id or 'a volume that nobody names'}, never touched")
    print_line(f"  image   {image.id}")
    print_line(f"          {image.name}")
    print_line(f"          captured {spelled(image.created_at)}{slot}")
    print_line(
        f"  volume  {volume.id if volume else 'a new one'}, {new.size_gib} GiB, {kind}{where}"
    )
    print_line(f"          {new.name}")
    if volume is not None:
        print_line("next: attach it to a server, as with")
        print_line(f"  openstack server add volume SERVER {volume.id}")
