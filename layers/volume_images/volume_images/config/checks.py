"""Cross-checks of a config: what parses, and still cannot be meant."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from volume_images.config.capacity import check_quotas
from volume_images.config.coverage import Coverage, coverage
from volume_images.config.problems import problem
from volume_images.config.schema import CloudConfig, Config
from volume_images.config.timing import check_timing
from volume_images.errors import Problem


def check_config(config: Config) -> tuple[Problem, ...]:
    """Give every problem that shows only when parts of the config are compared.

    A run goes on all the same, with what it can: these are for `config check`.
    """
    covered = coverage(config)
    return (
        *_check_clouds(config),
        *_check_former_names(config),
        *_check_volumes(config),
        *_check_coverage(config, covered),
        *_check_dialects(config, covered),
        *check_timing(config, covered),
        *check_quotas(config, covered),
    )


def _check_clouds(config: Config) -> Iterator[Problem]:
    names = list(config.clouds)
    for place, name in enumerate(names):
        cloud = config.clouds[name]
        if cloud.strategy == "ims_job" and not cloud.dialect.traits.exports_in_jobs:
            says = f"the {cloud.dialect} dialect has no ims_job: use volume_upload"
            yield problem("clouds", name, "strategy", says=says)
        same = next(
            (other for other in names[:place] if _same_project(cloud, config.clouds[other])), None
        )
        if same is not None:
            says = (
                f"region and project are those of {same}: leave one of them out, or give the"
                " endpoints of both if they are two clouds"
            )
            yield problem("clouds", name, says=says)


def _same_project(one: CloudConfig, other: CloudConfig) -> bool:
    """Compare what the config knows: two private clouds may use the same names."""
    told_apart = one.endpoints and other.endpoints and one.endpoints != other.endpoints
    return not told_apart and (one.dialect, one.region, one.project) == (
        other.dialect,
        other.region,
        other.project,
    )


def _check_former_names(config: Config) -> Iterator[Problem]:
    seen = {config.prefix: "is the prefix of today"}
    for place, prefix in enumerate(config.former_prefixes):
        if prefix in seen:
            says = f"{prefix} {seen[prefix]}: leave it out"
            yield problem("former_prefixes", place, says=says)
        seen.setdefault(prefix, "is there already")
    owners = dict.fromkeys(config.policies, "is the name of a policy of today")
    for name, policy in config.policies.items():
        for place, former in enumerate(policy.formerly):
            if former in owners:
                says = f"{former} {owners[former]}: its images cannot belong to both"
                yield problem("policies", name, "formerly", place, says=says)
            owners.setdefault(former, f"is a former name of {name}")


def _check_volumes(config: Config) -> Iterator[Problem]:
    first: dict[tuple[str, str], int] = {}
    for place, volume in enumerate(config.volumes):
        if volume.cloud not in config.clouds:
            says = _no_cloud(volume.cloud, list(config.clouds))
            yield problem("volumes", place, "cloud", says=says)
        before = first.setdefault((volume.cloud, volume.id), place)
        if before != place:
            says = f"is listed already at volumes[{before}]: leave one of them out"
            yield problem("volumes", place, "id", says=says)
    for place, entry in enumerate(config.discover):
        if entry.cloud not in config.clouds:
            says = _no_cloud(entry.cloud, list(config.clouds))
            yield problem("discover", place, "cloud", says=says)


def _no_cloud(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"no cloud is named {name}; " + (
        f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
    )


def _check_coverage(config: Config, covered: Coverage) -> Iterator[Problem]:
    listed = {place for places in covered.volumes.values() for place in places}
    for place in range(len(config.volumes)):
        if place not in listed:
            says = "no policy covers a volume with these tags: change them, or a policy's select"
            yield problem("volumes", place, "tags", says=says)
    for name in config.policies:
        if not covered.volumes[name] and not covered.discoveries[name]:
            says = "covers no volume: no listed one, and none that discover could find"
            yield problem("policies", name, "select", says=says)


def _check_dialects(config: Config, covered: Coverage) -> Iterator[Problem]:
    for name, policy in config.policies.items():
        export = policy.export
        clouds = list(covered.clouds(config, name))
        first_of = {config.clouds[cloud].dialect: cloud for cloud in reversed(clouds)}
        for dialect, cloud in first_of.items():
            formats = dialect.traits.disk_formats
            if export.disk_format is not None and export.disk_format not in formats:
                says = f"the {dialect} dialect (cloud {cloud}) takes {', '.join(formats)}"
                yield problem("policies", name, "export", "disk_format", says=says)
            if export.os_type is not None and not dialect.traits.knows_os_type:
                says = f"the {dialect} dialect (cloud {cloud}) has no os_type: leave it out"
                yield problem("policies", name, "export", "os_type", says=says)
