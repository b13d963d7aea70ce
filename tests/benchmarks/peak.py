"""The largest size of this process; `ru_maxrss` would begin with the size of what started it."""

from pathlib import Path


def peak_bytes() -> int:
    """Return the most memory that this process ever had resident ("VmHWM" of Linux)."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
