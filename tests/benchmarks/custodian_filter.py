"""Cloud Custodian's filter by age, on images in memory: which are older than a month.

Run with .tools/custodian/bin/python, which knows nothing of this project. The collector is off, as
it is where ours is measured. The images are those of `tests.benchmarks.planning`.
"""

import argparse
import gc
import json
import sys
import time
from datetime import UTC, datetime, timedelta

from c7n.resources.ami import ImageAgeFilter  # type: ignore[import-not-found]

NEWEST = datetime(2026, 3, 2, 2, tzinfo=UTC)
NIGHTS = 100

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    images = [
        {
            "ImageId": f"image-{number}",
            "CreationDate": f"{NEWEST - timedelta(days=number % NIGHTS):%Y-%m-%dT%H:%M:%SZ}",
        }
        for number in range(options.images)
    ]
    gc.freeze()
    gc.disable()
    seconds = []
    for _ in range(options.rounds):
        began = time.process_time()
        older = ImageAgeFilter({"type": "image-age", "days": 30}).process(images)
        seconds.append(time.process_time() - began)
    sys.stdout.write(json.dumps({"seconds": min(seconds), "older": len(older)}))
