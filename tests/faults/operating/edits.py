"""People edit the config: rules, schedules, names, and which volumes there are."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.operating.machine import ANY, YES, Operation
from tests.faults.year_fleet import FleetVolume
from tests.sandbox.things import SandboxVolume

MOST_VOLUMES = 6
RENAMED = {"daily": "nightly", "often": "thrice"}


class Edits(Operation):
    """People edit the config."""

    @rule(
        number=ANY,
        retention=st.sampled_from([*({"keep_last": n} for n in (1, 2, 4)), {"keep_within": "1h"}]),
    )
    def retention_edited(self, number: int, retention: dict[str, Any]) -> None:
        """Keep more, or less, or nothing but the floor."""
        policy = self.policy(number)
        if self.document["policies"][policy]["retention"] != retention:
            self.document["policies"][policy]["retention"] = retention
            self.write()
            self.watch.retention_changed(policy)

    @rule(number=ANY)
    def retention_slips_and_is_put_right(self, number: int) -> None:
        """Keep next to nothing for a moment, without a run."""
        policy = self.policy(number)
        before, slipped = self.document["policies"][policy]["retention"], {"keep_within": "1h"}
        for retention in (slipped, before):
            self.document["policies"][policy]["retention"] = retention
            self.write()
        if slipped != before:  # else nothing has changed, and what stands announced still does
            self.watch.retention_changed(policy)

    @rule(number=ANY, keep=st.sampled_from([1, 3]))
    def retention_of_requests_edited(self, number: int, keep: int) -> None:
        """Keep more, or fewer, of those that were asked for."""
        policy, requests = self.policy(number), {"keep_last": keep, "min_interval": "1h"}
        if self.document["policies"][policy].get("requests") != requests:
            self.document["policies"][policy]["requests"] = requests
            self.write()
            self.watch.requests_changed(policy)

    @rule(number=ANY, schedule=st.sampled_from(["0 2 * * *", "0 */8 * * *", "30 */12 * * *"]))
    def schedule_edited(self, number: int, schedule: str) -> None:
        """Export at other times."""
        self.document["policies"][self.policy(number)]["schedule"] = schedule
        self.write()

    @rule(number=ANY)
    def tags_slip_and_are_put_right(self, number: int) -> None:
        """Cover a volume no more for a moment, without a run."""
        entries = self.document["volumes"]
        entry = entries[number % len(entries)]
        before = entry["tags"]
        entry["tags"] = {}
        self.write()
        entry["tags"] = before
        self.write()
        for policy in self.document["policies"]:
            self.watch.rules_changed(policy, entry["id"])

    @rule(number=ANY)
    def policy_renamed(self, number: int) -> None:
        """Give a policy another name; its images stay its images."""
        former = self.policy(number)
        today = RENAMED.get(former)
        if today is not None:
            policies = self.document["policies"]
            policies[today] = policies.pop(former) | {"formerly": [former]}
            self.write()
            self.watch.rules_changed(former)
            self.watch.renamed(former, today)
            self.owing.renamed(former, today)

    @rule(often=st.booleans())
    @precondition(lambda self: len(self.world.volumes) < MOST_VOLUMES)
    def volume_listed(self, often: bool) -> None:  # noqa: FBT001
        """Add a volume to the list."""
        volume = self._made({})
        tags = ("daily", "often") if often else ("daily",)
        self.document["volumes"].append(self.entry(volume, tags))
        self.write()

    @rule(number=ANY)
    @precondition(lambda self: len(self.document["volumes"]) > 1)
    def volume_unlisted(self, number: int) -> None:
        """Take one off the list, though not the first: its images stay."""
        entries = self.document["volumes"]
        entry = entries.pop(1 + number % (len(entries) - 1))
        self.write()
        self.owing.left(entry["id"], self.now)
        for policy in self.document["policies"]:
            self.watch.rules_changed(policy, entry["id"])

    @rule()
    @precondition(lambda self: len(self.world.volumes) < MOST_VOLUMES)
    def volume_found(self) -> None:
        """Make a volume that is in no list, but has its tag in the cloud."""
        volume = self._made({"daily": YES})
        place = self.place.cloud_name
        self.found.append(FleetVolume(volume.id, place, volume.name, ("daily",), discovered=True))
        self.in_doubt()

    def _made(self, tags: dict[str, str]) -> SandboxVolume:
        """Make a volume; ids that begin alike are of one cloud, for who knows what is owed."""
        self.made += 1
        first = self.document["volumes"][0]["id"]
        volume = SandboxVolume(
            id=f"{first[:8]}-0000-4000-8000-{self.made:012x}",
            name=f"made-{self.made}",
            size_gib=10,
            created_at=self.now,
            updated_at=self.now,
            tags=tags,
        )
        self.world.volumes[volume.id] = volume
        return volume
