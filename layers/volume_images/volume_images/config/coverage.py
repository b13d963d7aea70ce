"""Which policies cover which volumes, as far as the config alone can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from volume_images.config.schema import Config, Discovery, Policy
from volume_images.config.selection import covers


@dataclass(frozen=True, slots=True)
class Coverage:
    """The places in `volumes` that each policy covers, and in `discover` that may feed it."""

    volumes: Mapping[str, Sequence[int]]
    discoveries: Mapping[str, Sequence[int]]

    def clouds(self, config: Config, policy: str) -> list[str]:
        """Name the clouds in which a policy has volumes, or may find some."""
        named = [config.volumes[place].cloud for place in self.volumes[policy]]
        named += [config.discover[place].cloud for place in self.discoveries[policy]]
        return [cloud for cloud in dict.fromkeys(named) if cloud in config.clouds]

    def listed(self, config: Config, policy: str, cloud: str) -> frozenset[str]:
        """Return the ids of the listed volumes of a cloud that a policy covers."""
        volumes = (config.volumes[place] for place in self.volumes[policy])
        return frozenset(volume.id for volume in volumes if volume.cloud == cloud)


def coverage(config: Config) -> Coverage:
    """Compare every policy with every listed volume and every entry of `discover`."""
    return Coverage(
        volumes={
            name: [
                place for place, volume in enumerate(config.volumes) if covers(policy, volume.tags)
            ]
            for name, policy in config.policies.items()
        },
        discoveries={
            name: [place for place, entry in enumerate(config.discover) if _may_feed(entry, policy)]
            for name, policy in config.policies.items()
        },
    )


def _may_feed(entry: Discovery, policy: Policy) -> bool:
    """Say whether a volume with the tags looked for could be one that the policy covers.

    Of a tag that the entry does not look for, a volume may have any value.
    """
    return all(
        set(values) & set(entry.tags.get(key, values)) for key, values in policy.select.items()
    ) and not any(
        key in entry.tags and set(entry.tags[key]) <= set(values)
        for key, values in policy.exclude.items()
    )
