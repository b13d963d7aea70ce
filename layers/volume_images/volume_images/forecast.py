"""What a config will come to: each policy's images over time, and the total of each cloud."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from volume_images.config.capacity import Need, image_need, policy_steady_state
from volume_images.config.schema import Config, Policy
from volume_images.config.selection import discovered, members
from volume_images.model import Volume
from volume_images.simulate import (
    Difference,
    Simulation,
    Span,
    difference,
    simulate,
    slots_within,
)
from volume_images.steady_state import SteadyState


@dataclass(frozen=True, slots=True)
class Fleet:
    """Volumes that are known beside the config, by cloud, and what size any other one is taken for.

    The config knows ids and tags of what it lists; sizes, and what a discovery would find, only
    the clouds know.
    """

    volumes: Mapping[str, Sequence[Volume]] = field(default_factory=dict)
    size_gib: float | None = None


@dataclass(frozen=True, slots=True)
class Rival:
    """Other rules to compare a policy's with, under a name for people."""

    name: str
    policy: Policy
    grace: timedelta


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same slots under a rival's rules."""

    rival: Rival
    simulation: Simulation
    difference: Difference


@dataclass(frozen=True, slots=True)
class PolicyForecast:
    """One policy: a series of images, and how many volumes have such a series, by cloud.

    `gib` is the size of one image of each of them together, None where that of any is not known.
    Where no volume is known, `volumes` is empty, and a single one is taken.
    """

    name: str
    policy: Policy
    volumes: Mapping[str, int]
    gib: float | None
    simulation: Simulation
    steady: SteadyState
    against: Alternative | None

    @property
    def volume_count(self) -> int:
        """Return how many volumes to count."""
        return sum(self.volumes.values()) or 1

    def gib_of(self, images: int) -> float | None:
        """Return the size of so many images of each volume; all are taken to be full."""
        return None if self.gib is None else images * self.gib


@dataclass(frozen=True, slots=True)
class CloudForecast:
    """One cloud: its images at each day's end, and what its quota must hold in the long run."""

    name: str
    quota: int | None
    images: tuple[int, ...]
    need: Need


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a config will come to in a span; `notes` say what was taken for granted."""

    source: str
    against: str
    span: Span
    grace: timedelta
    policies: tuple[PolicyForecast, ...]
    clouds: tuple[CloudForecast, ...]
    notes: tuple[str, ...]

    @property
    def knows_sizes(self) -> bool:
        """Whether the size of every volume is known."""
        return all(policy.gib is not None for policy in self.policies)


def forecast(
    config: Config,
    *,
    source: str,
    span: Span,
    fleet: Fleet,
    only: Sequence[str] = (),
    against: str = "",
    rivals: Mapping[str, Rival] | None = None,
) -> Forecast:
    """Simulate the policies of a config, or `only` those named. Raises SafetyStop.

    `rivals` are the rules to compare with, by policy; `against` says in a word whose they are.
    """
    names = [name for name in config.policies if not only or name in only]
    covering = _covering(config, fleet)
    policies = tuple(
        _policy_forecast(config, name, covering, fleet, span, (rivals or {}).get(name))
        for name in names
        if config.policies[name].schedule is not None
    )
    return Forecast(
        source=source,
        against=against,
        span=span,
        grace=config.grace,
        policies=policies,
        clouds=tuple(_clouds(config, policies, covering, span)),
        notes=tuple(_notes(config, names, policies, rivals)),
    )


def spelled_rules(policy: Policy) -> dict[str, str]:
    """Return the retention of a policy as the config spells it, without what says nothing."""
    return {
        name: str(value)
        for name, value in policy.retention
        if value and (name, value) != ("min_keep", 1)
    }


Covering = Mapping[str, Mapping[str, frozenset[str]]]
"""The ids of the volumes of each policy, by cloud."""


def _covering(config: Config, fleet: Fleet) -> Covering:
    covering: dict[str, dict[str, set[str]]] = {name: {} for name in config.policies}
    for cloud in config.clouds:
        found = discovered(config, cloud, fleet.volumes.get(cloud, ()))
        for member in members(config, cloud, found):
            covering[member.policy].setdefault(cloud, set()).add(member.volume_id)
    return {
        name: {cloud: frozenset(ids) for cloud, ids in clouds.items()}
        for name, clouds in covering.items()
    }


def _policy_forecast(
    config: Config, name: str, covering: Covering, fleet: Fleet, span: Span, rival: Rival | None
) -> PolicyForecast:
    policy = config.policies[name]
    assert policy.schedule is not None
    history = slots_within(policy.schedule, policy.timezone, span)
    simulation = simulate(
        history, policy.retention, timezone=policy.timezone, grace=config.grace, span=span
    )
    alternative = None
    if rival is not None:
        other = simulate(
            history,
            rival.policy.retention,
            timezone=rival.policy.timezone,
            grace=rival.grace,
            span=span,
        )
        alternative = Alternative(rival, other, difference(simulation, other))
    steady = policy_steady_state(config, policy)
    assert steady is not None
    return PolicyForecast(
        name=name,
        policy=policy,
        volumes={cloud: len(ids) for cloud, ids in covering[name].items()},
        gib=_gib(covering[name], fleet),
        simulation=simulation,
        steady=steady,
        against=alternative,
    )


def _gib(covered: Mapping[str, frozenset[str]], fleet: Fleet) -> float | None:
    if not covered:
        return fleet.size_gib
    total = 0.0
    for cloud, ids in covered.items():
        known = {volume.id: volume.size_gib for volume in fleet.volumes.get(cloud, ())}
        for volume_id in ids:
            size = known.get(volume_id, fleet.size_gib)
            if size is None:
                return None
            total += size
    return total


def _clouds(
    config: Config, policies: Sequence[PolicyForecast], covering: Covering, span: Span
) -> Iterator[CloudForecast]:
    for name, cloud in config.clouds.items():
        counts = {
            policy.name: policy.volumes[name] for policy in policies if name in policy.volumes
        }
        if not counts:
            continue
        volumes = {volume_id for policy in counts for volume_id in covering[policy][name]}
        yield CloudForecast(
            name=name,
            quota=cloud.image_quota,
            images=tuple(
                sum(
                    counts.get(policy.name, 0) * policy.simulation.day_ends[day].images
                    for policy in policies
                )
                for day in range(span.days)
            ),
            need=image_need(config, name, counts, len(volumes)),
        )


def _notes(
    config: Config,
    names: Sequence[str],
    policies: Sequence[PolicyForecast],
    rivals: Mapping[str, Rival] | None,
) -> Iterator[str]:
    for name in names:
        if config.policies[name].schedule is None:
            yield f"{name}: has no schedule, so nobody knows when it exports: left out"
    for policy in policies:
        if not policy.volumes:
            yield f"{policy.name}: no volume of it is known: the numbers are those of one"
        if rivals is not None and policy.against is None:
            yield f"{policy.name}: there is no policy of this name to compare it with"
        elif policy.against is not None:
            other = policy.against.rival.policy
            ours = (policy.policy.schedule, policy.policy.timezone)
            if (other.schedule, other.timezone) != ours:
                yield (
                    f"{policy.name}: {policy.against.rival.name} has a schedule of its own; the"
                    " comparison applies its rules to the slots of this one"
                )
    if any(policy.gib is None for policy in policies):
        yield "the config knows no sizes: give --size-gib or --volumes to see GiB"
    else:
        yield "GiB: each image is taken to be as large as its volume; what is stored may be less"
