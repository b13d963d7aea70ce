"""The function `cleanup_images`: judge, announce and delete images."""

import os

import volume_images.cold_start
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.connections import Connections
from volume_images.pages.after_cleanup import FleetPage
from volume_images.publishing import Answer, publish, reported
from volume_images.report import Function
from volume_images.settings import Settings
from volume_images.stopwatch import Invocation, RunLimits
from volume_images.triggers import parse_trigger

connections = volume_images.cold_start.over(Connections.warmed_up())


@reported(Function.CLEANUP)
def handler(event: object, invocation: Invocation) -> Answer:
    """Judge, announce and delete images; answer with counts."""
    settings = Settings.parse(os.environ)
    world = connect(settings, Function.CLEANUP, connections)
    trigger = parse_trigger(event, now=world.clock.now())
    page = FleetPage(world)
    report = cleanup_run(world, trigger, limits=RunLimits.of(invocation), onlooker=page.look_on)
    listeners = connections.listeners(settings, page.write)
    return publish(report, world, trigger, listeners, detailed_metrics=settings.detailed_metrics)
