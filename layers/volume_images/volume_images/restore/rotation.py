"""Whose turn it is to be drilled: one volume of a policy at a time, each in its turn."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from volume_images.recognition import Recognised
from volume_images.restore.choosing import newest_good


@dataclass(frozen=True, slots=True)
class Candidate:
    """A volume's newest good image under a policy, and the cloud that it lies in."""

    cloud: str
    image: Recognised


def candidates_of(cloud: str, images: Iterable[Recognised], policy: str) -> Mapping[str, Candidate]:
    """Return each volume's newest good image under a policy, by volume id."""
    of_policy: dict[str, list[Recognised]] = defaultdict(list)
    for image in images:
        if image.group.policy == policy:
            of_policy[image.group.volume_id].append(image)
    newest = {volume_id: newest_good(group) for volume_id, group in of_policy.items()}
    return {
        volume_id: Candidate(cloud, image)
        for volume_id, image in newest.items()
        if image is not None
    }


def whose_turn(
    policy: str, candidates: Mapping[tuple[str, str], Candidate], today: date
) -> Candidate | None:
    """Choose by the date, which needs no memory: daily drills see each volume once in a round.

    Each round goes in an order of its own, so that drills once a week meet all of them, too,
    however many there are. The keys are (cloud, volume id).
    """
    if not candidates:
        return None
    rounds, place = divmod(today.toordinal(), len(candidates))
    return candidates[_order(candidates, f"{policy}/{rounds}")[place]]


def _order(keys: Collection[tuple[str, str]], salt: str) -> list[tuple[str, str]]:
    return sorted(keys, key=lambda key: sha256("/".join((salt, *key)).encode()).digest())
