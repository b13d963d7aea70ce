"""Whether the images of a fleet fit into their clouds' quotas, once the rules are full."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from volume_images.config.coverage import Coverage
from volume_images.config.problems import problem
from volume_images.config.schema import Config, Policy
from volume_images.errors import Problem
from volume_images.retention.rules import RetentionRules
from volume_images.steady_state import SteadyState, steady_state


@dataclass(frozen=True, slots=True)
class Need:
    """The images of a cloud on the fullest day of a year: what `image_quota` must hold."""

    kept: int
    announced: int
    requested: int
    pending: int
    still_grows: bool

    @property
    def images(self) -> int:
        """Return how many images there are at once."""
        return self.kept + self.announced + self.requested + self.pending


def check_quotas(config: Config, covered: Coverage) -> Iterator[Problem]:
    """Find clouds whose quota cannot hold what the policies of their listed volumes keep.

    How many volumes a discovery finds, the config does not know.
    """
    for name, cloud in config.clouds.items():
        counts = {policy: len(covered.listed(config, policy, name)) for policy in config.policies}
        if cloud.image_quota is None or not any(counts.values()):
            continue
        volumes = {id_ for policy in counts for id_ in covered.listed(config, policy, name)}
        need = image_need(config, name, counts, len(volumes))
        if need.images > cloud.image_quota:
            yield problem("clouds", name, "image_quota", says=_says(need, config, name))


def image_need(config: Config, cloud: str, counts: Mapping[str, int], volumes: int) -> Need:
    """Add up a cloud's images on the fullest day, with so many volumes under each policy.

    Of requested exports nobody knows the times: what their counts allow at most is taken, and of
    windows and of `unlimited` nothing. Of the `volumes`, counted once each, as many are exported
    at once as may be, beside the images that these exports are going to replace.
    """
    states = [
        (count, state)
        for name, count in counts.items()
        if count and (state := policy_steady_state(config, config.policies[name]))
    ]
    weights = [count for count, _ in states]
    days = zip(*(state.images for _, state in states), strict=True)
    totals = [
        sum(count * images for count, images in zip(weights, day, strict=True)) for day in days
    ]
    day = totals.index(max(totals)) if totals else 0
    return Need(
        kept=sum(count * state.kept[day] for count, state in states),
        announced=sum(count * state.announced[day] for count, state in states),
        requested=sum(
            count * most_counted(config.policies[name].requests) for name, count in counts.items()
        ),
        pending=min(config.clouds[cloud].max_in_flight, volumes),
        still_grows=any(state.still_grows for _, state in states),
    )


def policy_steady_state(config: Config, policy: Policy) -> SteadyState | None:
    """Return what the scheduled images of a volume come to; None without a schedule."""
    if policy.schedule is None:
        return None
    return steady_state(policy.schedule, policy.timezone, policy.retention, config.grace)


def most_counted(rules: RetentionRules) -> int:
    """Return how many images the finite counts of some rules keep at most."""
    return sum(
        value for name, value in rules if name.startswith("keep_") and isinstance(value, int)
    )


def _says(need: Need, config: Config, cloud: str) -> str:
    when = "after eleven years" if need.still_grows else "once the rules are full"
    hours = config.grace.total_seconds() / 3600
    return (
        f"{config.clouds[cloud].image_quota} images are too few: {when}, there are {need.images}"
        f" ({need.kept} kept, {need.announced} announced for {hours:g} h, {need.requested}"
        f" requested, {need.pending} under way): keep fewer, or get a larger quota"
    )
