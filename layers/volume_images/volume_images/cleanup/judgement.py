"""Judging what was gathered, by the newest memory: it may change until the plan is written."""

from volume_images.cleanup.announcing import remember
from volume_images.cleanup.errand import Errand
from volume_images.cleanup.gathering import config_history
from volume_images.cleanup.plan import CleanupPlan, CloudFacts, JudgedCloud
from volume_images.cleanup.planning import plan_cleanup
from volume_images.cleanup.rows import Past
from volume_images.cleanup.state import CleanupState


class Judgement:
    """Plans from the same facts with each state it is given; `plan` is the newest of its plans."""

    plan: CleanupPlan

    def __init__(self, errand: Errand, facts: CloudFacts) -> None:
        self._errand = errand
        self._facts = facts

    def written_into(self, state: CleanupState) -> CleanupState:
        """Return the state with what is planned with it. Raises StoreError."""
        world = self._errand.world
        past = Past(state, config_history(world, self._facts, state, self._errand.versions))
        self.plan = plan_cleanup(
            world.config,
            world.config_version,
            world.deployment_id,
            self._facts,
            self._errand.scope,
            past,
        )
        return remember(state, self.plan, past.history).with_refused_secret("", None)

    def of(self, before: CleanupState, after: CleanupState) -> JudgedCloud:
        """Return all that was judged, with the state that it met and the one that carries it."""
        return JudgedCloud(
            facts=self._facts,
            plan=self.plan,
            before=before,
            after=after,
            grace=self._errand.grace,
        )
