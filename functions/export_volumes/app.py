"""The function `export_volumes`: start the exports that are due."""

import os

import volume_images.cold_start
from volume_images.bootstrap import connect
from volume_images.connections import Connections
from volume_images.export.run import export_run
from volume_images.publishing import Answer, publish, reported
from volume_images.report import Function
from volume_images.settings import Settings
from volume_images.stopwatch import Invocation, RunLimits
from volume_images.triggers import parse_trigger

connections = volume_images.cold_start.over(Connections.warmed_up())


@reported(Function.EXPORT)
def handler(event: object, invocation: Invocation) -> Answer:
    """Start the exports that are due; answer with counts."""
    settings = Settings.parse(os.environ)
    world = connect(settings, Function.EXPORT, connections)
    trigger = parse_trigger(event, now=world.clock.now())
    report = export_run(world, trigger, limits=RunLimits.of(invocation))
    listeners = connections.listeners(settings)
    return publish(report, world, trigger, listeners, detailed_metrics=settings.detailed_metrics)
