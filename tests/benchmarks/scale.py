"""One run in a fleet of 100,000 discovered volumes: how long, how much memory, how many exports.

The clouds are in memory and make their volumes when they are listed; states and reports lie in a
folder. What is measured is the product: two runs in processes of their own, with a small fleet and
with a large one, and the growth of the largest resident size between them.
"""

import argparse
import json
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.peak import peak_bytes
from tests.support.fleet import LAMBDA, START, Fleet
from volume_images.storage.folder import ConfigFile, FolderStore

CLOUDS = 500
SMALL = 100
VOLUMES_EACH = 200
PLACES = 20
MOST_BYTES_EACH = 2048
MOST_SECONDS = 480


def one_run(clouds: int, folder: Path) -> dict[str, float]:
    """Run the first tick of a fleet, collecting garbage as a function does; say what it took."""
    import volume_images.cold_start  # noqa: PLC0415 - it pauses the collector of who imports it

    store = FolderStore(folder, ConfigFile(folder / "config.json"))
    fleet = Fleet(clouds=clouds, volumes=VOLUMES_EACH, max_in_flight=PLACES, store=store)
    for cloud in fleet.clouds.values():
        cloud.export_time = timedelta(hours=10)
    volume_images.cold_start.over(None)
    before = peak_bytes()
    began, cpu = time.monotonic(), time.process_time()
    report = fleet.run(limits=LAMBDA)
    return {
        "clouds": clouds,
        "volumes": clouds * VOLUMES_EACH,
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - cpu,
        "process_seconds": time.process_time(),
        "before": before,
        "peak": peak_bytes(),
        "started": report.counts["started"],
        "deferred": report.counts["deferred"],
        "most_in_flight": max(cloud.most_exports for cloud in fleet.clouds.values()),
        "simulated_minutes": (fleet.clock.now() - START) / timedelta(minutes=1),
    }


def measured(clouds: int) -> dict[str, float]:
    """Run in a process of its own: the largest size of one never goes down again."""
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--one", str(clouds)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--one", type=int, help="only run a fleet of so many clouds")
    parser.add_argument("--clouds", type=int, default=CLOUDS, help="of the large fleet")
    options = parser.parse_args()
    if options.one:
        with TemporaryDirectory() as folder:
            say(json.dumps(one_run(options.one, Path(folder))))
        return 0
    small, large = measured(SMALL), measured(options.clouds)
    for run in (small, large):
        say(
            f"{run['volumes']:>9,.0f} volumes in {run['clouds']:.0f} clouds:"
            f" {run['started']:,.0f} started, {run['deferred']:,.0f} wait,"
            f" at most {run['most_in_flight']:.0f} in flight in one;"
            f" {run['seconds']:.0f} s ({run['cpu_seconds']:.0f} s CPU),"
            f" {run['peak'] / 2**20:.0f} MiB ({run['before'] / 2**20:.0f} before)"
        )
    each = (large["peak"] - small["peak"]) / (large["volumes"] - small["volumes"])
    say(f"{each:,.0f} bytes a volume (at most {MOST_BYTES_EACH:,})")
    right = large["started"] == options.clouds * PLACES and large["most_in_flight"] == PLACES
    return 0 if right and each <= MOST_BYTES_EACH and large["seconds"] <= MOST_SECONDS else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
