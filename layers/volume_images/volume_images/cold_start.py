"""The start of a function's process: import this first, and call `over` last.

What is imported stays. Python's collector looks through it more than a hundred times meanwhile,
and finds nothing: without that, a start takes a tenth less processor time (measured by
`make bench`). Frozen, all of it is passed over by every later collection, too.
"""

import gc
from typing import TypeVar

Made = TypeVar("Made")

gc.disable()


def over(made: Made) -> Made:
    """Return what was made last in a start; from now on, garbage is collected."""
    gc.freeze()
    gc.enable()
    return made
