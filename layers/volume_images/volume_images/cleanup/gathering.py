"""Gathering everything that one cloud's cleanup is planned from; nothing is decided here."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from volume_images.cleanup.plan import CloudFacts
from volume_images.cleanup.rows import LONGEST_GAP, History
from volume_images.cleanup.rule_digest import NO_RULES, RuleDigests, rule_digests
from volume_images.cleanup.state import CleanupState
from volume_images.config.schema import Config, parse_config
from volume_images.config.selection import discovered, members
from volume_images.errors import ClockSkew, CloudError, ConfigError
from volume_images.export.state import empty_export_state, export_state_key
from volume_images.memory import read_state
from volume_images.model import Volume
from volume_images.protocols import Cloud, Store, World
from volume_images.side_by_side import each

MOST_SKEW = timedelta(minutes=5)
"""Further apart, either our clock or the cloud's is wrong, and every age with it."""

Versions = Callable[[str], tuple[Config | None, ...] | None]
"""The configs written after a version; None for one that does not parse, or for no knowledge."""


def gather(world: World, cloud_name: str, cloud: Cloud, state: CleanupState) -> CloudFacts:
    """See every volume and every image of one cloud. Raises CloudError, ClockSkew, StoreError."""
    volumes = _volumes(world.config, cloud_name, cloud, state)
    images = cloud.images.all()
    skew = cloud.clock_skew()
    if abs(skew) > MOST_SKEW:
        ahead = "ahead of" if skew > timedelta() else "behind"
        raise ClockSkew(
            f"cloud {cloud_name}: its clock is {abs(skew)} {ahead} ours: nothing is judged; "
            "set the wrong one right"
        )
    return CloudFacts(
        cloud=cloud_name,
        project_id=cloud.project_id,
        at=world.clock.now(),
        volumes=volumes,
        images=images,
        stuck=_stuck(world.store, cloud_name, world.deployment_id),
        quota_used=_quota_used(world.config.clouds[cloud_name].image_quota, cloud, len(images)),
    )


def config_history(
    world: World, facts: CloudFacts, state: CleanupState, versions: Versions
) -> History:
    """Read under which rules each group was between its last plan and this one.

    Rows that are too old to go on anyway are not asked about, unless of orphans: how long these
    have been some counts for months. Raises StoreError.
    """
    plans = {
        record.judged.config_version
        for record in state.groups.values()
        if record.judged is not None
        and (record.orphan_since is not None or facts.at - record.judged.at <= LONGEST_GAP)
    }
    history: dict[str, tuple[RuleDigests, ...] | None] = {}
    for version in plans:
        configs = () if version == world.config_version else versions(version)
        history[version] = (
            None if configs is None else tuple(_rules(config, facts) for config in configs)
        )
    return history


def config_versions(store: Store, since: str) -> tuple[Config | None, ...] | None:
    """Read and parse every config written after a version. Raises StoreError."""
    bodies = store.config_versions(since)
    return None if bodies is None else tuple(_parsed(body) for body in bodies)


def _parsed(body: bytes) -> Config | None:
    try:
        return parse_config(body, "an earlier version")
    except ConfigError:
        return None


def _rules(config: Config | None, facts: CloudFacts) -> RuleDigests:
    if config is None:
        return NO_RULES
    found = discovered(config, facts.cloud, tuple(facts.volumes.values()))
    return rule_digests(config, facts.cloud, members(config, facts.cloud, found))


def _volumes(
    config: Config, cloud_name: str, cloud: Cloud, state: CleanupState
) -> Mapping[str, Volume]:
    """List all volumes; one that is known and not listed counts as gone only after its own 404."""
    volumes = {volume.id: volume for volume in cloud.volumes.all()}
    configured = {entry.id for entry in config.volumes if entry.cloud == cloud_name}
    unlisted = sorted((configured | state.covered_volume_ids) - volumes.keys())
    found = each(unlisted, cloud.volumes.get, config.clouds[cloud_name].max_concurrency)
    return volumes | {volume.id: volume for volume in found if volume is not None}


def _quota_used(quota: int | None, cloud: Cloud, images: int) -> int | None:
    """Compare the images that there are with the config's quota, else with the cloud's.

    A cloud that does not tell its quota now is judged all the same.
    """
    if quota is None:
        with suppress(CloudError):
            room = cloud.images.room()
            quota = None if room is None else images + room
    return round(100 * images / quota) if quota else None


def _stuck(store: Store, cloud_name: str, deployment_id: str) -> Mapping[str, datetime]:
    """Ask the exporter's state which images will never be finished, and since when it knows."""
    memory = read_state(store, export_state_key(cloud_name), empty_export_state(deployment_id))
    return {image_id: stuck.found_at for image_id, stuck in memory.state.stuck.items()}
