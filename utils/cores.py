"""How much of the machine is ours."""

import os


def usable_cores() -> int:
    """Cores that this process may use, where the system tells (a container's or batch job's share)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
