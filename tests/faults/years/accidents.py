"""What happens once to the runs of a simulated year, and to what they remember."""

from tests.faults.years.runs import SHORT, Runs
from volume_images.cleanup.state import cleanup_state_key
from volume_images.export.state import export_state_key
from volume_images.model import Tick, VolumeStatus


def kill_export(runs: Runs, number: int) -> None:
    """Kill the next run that works in a cloud, at one of its calls there."""
    runs.in_next_export(runs.year.place(number), 1 + number // 7 % 25)


def kill_cleanup(runs: Runs, number: int) -> None:
    """Kill the next cleanup in the midst of a cloud."""
    runs.kill_next_cleanup(runs.year.place(number), 1 + number // 7 % 25)


def overlap(runs: Runs, number: int) -> None:
    """Let another tick come while one is at work in a cloud."""
    place = runs.year.place(number)

    def another() -> None:
        runs.export(Tick(), only=place, limits=SHORT)

    runs.in_next_export(place, 1 + number // 7 % 20, another)


def meet(runs: Runs, number: int) -> None:
    """Let a cleanup come while a tick is at work in a cloud."""
    place = runs.year.place(number)
    runs.in_next_export(place, 1 + number // 7 % 20, lambda: runs.clean(Tick(), only=place))


def lose_export_state(runs: Runs, number: int) -> None:
    """Lose what the exporter remembers of a cloud, all versions."""
    year, place = runs.year, runs.year.place(number)
    year.store.lose(export_state_key(place))
    year.sites[place].cloud.memory_lost()
    year.owing.forgotten(place, year.clock.time)


def damage_export_state(runs: Runs, number: int) -> None:
    """Spoil it; the versions before are there."""
    year, place = runs.year, runs.year.place(number)
    if year.store.body(export_state_key(place)):
        year.store.put(export_state_key(place), b'{"version": 1, "dep')
        year.owing.forgotten(place, year.clock.time)


def lose_cleanup_state(runs: Runs, number: int) -> None:
    """Lose what the cleaner remembers of a cloud."""
    place = runs.year.place(number)
    runs.year.store.lose(cleanup_state_key(place))
    runs.year.sites[place].watch.announcements_lost()


def damage_cleanup_state(runs: Runs, number: int) -> None:
    """Spoil it: of an earlier version, no announcement is believed."""
    place = runs.year.place(number)
    if runs.year.store.body(cleanup_state_key(place)):
        runs.year.store.put(cleanup_state_key(place), b"\x00")
        runs.year.sites[place].watch.announcements_lost()


def delete_volume(runs: Runs, number: int) -> None:
    """Delete a volume, unless it is being exported."""
    volume = runs.year.volume(number)
    world = runs.year.sites[volume.cloud].cloud.world
    world.settle()
    held = world.volumes.get(volume.id)
    if held is not None and held.status == VolumeStatus.AVAILABLE:
        world.forget_volume(volume.id)
        if volume.discovered:
            runs.year.owing.left(volume.id, runs.year.clock.time)


def extend_volume(runs: Runs, number: int) -> None:
    """Make a volume larger."""
    volume = runs.year.volume(number)
    held = runs.year.sites[volume.cloud].cloud.world.volumes.get(volume.id)
    if held is not None:
        held.size_gib += 5
