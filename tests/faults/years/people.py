"""What people do in a simulated year: ask, edit, slip, mend, pin and delete by hand."""

from typing import Any

from tests.faults.memory_project import PIN
from tests.faults.weather import EVERYWHERE
from tests.faults.years.runs import Runs
from tests.faults.years.site import ours
from tests.sandbox.things import SandboxImage
from volume_images.model import (
    GroupKey,
    ImageStatus,
    RequestedExport,
    Requests,
    Tick,
    VolumeStatus,
)
from volume_images.report import ExportResult

OTHER_SCHEDULES = {
    "night": ("45 3 * * *", "30 2 * * *", "0 1 * * *"),
    "early": ("0 2 * * *", "30 1 * * *"),
    "dawn": ("0 2 * * *", "30 1 * * *"),
    "month": ("0 5 15 * *", "0 3 1,29 * *"),
}


def request(runs: Runs, number: int) -> None:
    """Ask for an export outside the schedule."""
    year = runs.year
    volume = year.volume(number)
    asked = RequestedExport(volume_ids=(volume.id,), requested_at=year.clock.time)
    slot = year.clock.time.replace(microsecond=0)
    report = runs.export(Requests(requests=(asked,)))
    for outcome in report.outcomes if report else ():
        accepted = outcome.result in {ExportResult.STARTED, ExportResult.DEFERRED}
        if outcome.slot == slot and accepted and outcome.reason != "same_request":
            group = GroupKey.parse(f"{outcome.policy}/{outcome.volume_id}")
            year.owing.requested(volume.cloud, group, slot)


def narrowed_tick(runs: Runs, number: int) -> None:
    """Look at one volume alone."""
    runs.export(Tick(volume_ids=frozenset({runs.year.volume(number).id})))


def narrowed_cleanup(runs: Runs, number: int) -> None:
    """Judge one volume's images alone."""
    runs.clean(Tick(volume_ids=frozenset({runs.year.volume(number).id})))


def slip(runs: Runs, number: int) -> None:
    """Keep far less, by mistake."""
    _edit_retention(runs, number, {"keep_last": 1})


def mend_retention(runs: Runs, number: int) -> None:
    """Keep again what was kept before."""
    policy = runs.year.config.policy(number)
    former = "early" if policy == "dawn" else policy
    _edit_retention(runs, number, runs.year.config.whole["policies"][former]["retention"])


def _edit_retention(runs: Runs, number: int, retention: object) -> None:
    config = runs.year.config
    policy = config.policy(number)
    former = config.document["policies"][policy]["retention"]
    config.document["policies"][policy]["retention"] = retention
    config.write()
    if retention != former:
        for site in runs.year.sites.values():
            site.watch.retention_changed(policy)


def lose_tags(runs: Runs, number: int) -> None:
    """Forget to say which policies a listed volume is under."""
    _tag(runs, number, {})


def mend_tags(runs: Runs, number: int) -> None:
    """Say it again."""
    config = runs.year.config
    entry = config.volume(number)
    first = next(one for one in config.whole["volumes"] if one["id"] == entry["id"])
    _tag(runs, number, first["tags"])


def _tag(runs: Runs, number: int, tags: dict[str, str]) -> None:
    entry = runs.year.config.volume(number)
    _other_policies(runs, entry, tags)
    entry["tags"] = tags
    runs.year.config.write()
    runs.year.note_what_is_owed()


def take_out_volume(runs: Runs, number: int) -> None:
    """Take a volume that is gone out of the config; its images are orphans from then on."""
    year = runs.year
    volume = year.volume(number)
    entries = year.config.document["volumes"]
    entry = next((one for one in entries if one["id"] == volume.id), None)
    if entry is not None and volume.id not in year.sites[volume.cloud].cloud.world.volumes:
        _other_policies(runs, entry, {})
        entries.remove(entry)
        year.config.write()
        year.note_what_is_owed()


def _other_policies(runs: Runs, entry: dict[str, Any], tags: dict[str, str]) -> None:
    watch = runs.year.sites[entry["cloud"]].watch
    for policy in entry["tags"].keys() ^ tags.keys():
        watch.rules_changed("dawn" if policy == "early" else policy, entry["id"])
        watch.rules_changed(policy, entry["id"])


def edit_schedule(runs: Runs, number: int) -> None:
    """Export at another time from now on; people look at the next tick."""
    year = runs.year
    policy = list(OTHER_SCHEDULES)[number % len(OTHER_SCHEDULES)]
    quiet = not any(year.trouble.lasting(kind) for kind in EVERYWHERE)
    if policy in year.config.document["policies"] and quiet and not year.config.is_spoilt:
        others = OTHER_SCHEDULES[policy]
        year.config.document["policies"][policy]["schedule"] = others[number // 7 % len(others)]
        year.config.write()
        year.note_what_is_owed()
        runs.export(Tick(scheduled_at=year.clock.time))


def rename(runs: Runs, number: int) -> None:  # noqa: ARG001
    """Give a policy another name; its images stay its images."""
    year = runs.year
    policies = year.config.document["policies"]
    if "dawn" not in policies:
        policies["dawn"] = policies.pop("early") | {"formerly": ["early"]}
        year.config.write()
        for site in year.sites.values():
            site.watch.rules_changed("early")
            site.watch.renamed("early", "dawn")
        year.owing.renamed("early", "dawn")
        year.note_what_is_owed()


def spoil_config(runs: Runs, number: int) -> None:  # noqa: ARG001
    """Write what is no config."""
    runs.year.config.spoil()
    for site in runs.year.sites.values():
        site.watch.announcements_lost()


def mend_config(runs: Runs, number: int) -> None:  # noqa: ARG001
    """Write the right one again."""
    runs.year.config.write()


def pin(runs: Runs, number: int) -> None:
    """Have an image kept."""
    image = _any_image(runs, number)
    if image is not None:
        runs.year.pinned[number] = image.id
        image.tags = [*image.tags, PIN]


def unpin(runs: Runs, number: int) -> None:
    """Let it go again."""
    for site in runs.year.sites.values():
        image = site.cloud.world.images.get(runs.year.pinned.get(number, ""))
        if image is not None:
            image.tags = [tag for tag in image.tags if tag != PIN]


def delete_image(runs: Runs, number: int) -> None:
    """Delete an image by hand."""
    image = _any_image(runs, number)
    for site in runs.year.sites.values():
        if image is not None and image.id in site.cloud.world.images:
            site.watch.look()
            site.cloud.world.forget_image(image.id)
            site.watch.changed_by_hand()


def repair(runs: Runs, number: int) -> None:  # noqa: ARG001
    """Free the volumes that a cloud forgot while they were uploading."""
    for site in runs.year.sites.values():
        busy = {export.volume.id for export in site.cloud.world.exports}
        for volume in site.cloud.world.volumes.values():
            if volume.status == VolumeStatus.UPLOADING and volume.id not in busy:
                volume.status = volume.resting_status


def _any_image(runs: Runs, number: int) -> SandboxImage | None:
    images = [
        image
        for site in runs.year.sites.values()
        for image in ours(site.cloud.world)
        if image.status == ImageStatus.ACTIVE
    ]
    images.sort(key=lambda image: image.id)
    return images[number % len(images)] if images else None
