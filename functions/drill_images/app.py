"""The function `drill_images`: restore one image of each policy, look at it, and remove it."""

import os

import volume_images.cold_start
from volume_images.bootstrap import connect_to_restore
from volume_images.connections import Connections
from volume_images.publishing import Answer, publish, reported
from volume_images.report import Function
from volume_images.restore.drill_run import drill_run
from volume_images.settings import Settings
from volume_images.stopwatch import Invocation, RunLimits
from volume_images.triggers import parse_trigger

connections = volume_images.cold_start.over(Connections.warmed_up())


@reported(Function.DRILL)
def handler(event: object, invocation: Invocation) -> Answer:
    """Drill each policy; answer with counts."""
    settings = Settings.parse(os.environ)
    world = connect_to_restore(settings, connections)
    trigger = parse_trigger(event, now=world.clock.now())
    report = drill_run(world, trigger, limits=RunLimits.of(invocation))
    listeners = connections.listeners(settings)
    return publish(report, world, trigger, listeners, detailed_metrics=settings.detailed_metrics)
