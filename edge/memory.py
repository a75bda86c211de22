"""Pictures before redaction live in memory alone: no core dump, and no swap on a disk."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

SWAPS, CGROUP, CGROUPS = Path("/proc/swaps"), Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
PR_SET_DUMPABLE = 4
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
"""Linux, <sys/mman.h>; locked when touched, so that it costs no memory that would not be used."""


def seal() -> bool:
    """Forbid core dumps of this process, and keep it out of swap if that is allowed; whether nothing of it can reach a disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A core that is piped to a program does not ask for the limit.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return _locked() or not has_swap_on_disk() or is_kept_out_of_swap()


def _locked() -> bool:
    """Lock all memory, now and later. Under a limit it is not even tried: what is allocated at the limit would fail later."""
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY:
        return False
    return bool(ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)


def has_swap_on_disk(swaps: Path = SWAPS) -> bool:
    """Whether this machine swaps to anything but its own memory (zram). Where that cannot be told, it does."""
    try:
        return any(not line.startswith("/dev/zram") for line in swaps.read_text().splitlines()[1:])
    except OSError:
        return True


def is_kept_out_of_swap(cgroup: Path = CGROUP, cgroups: Path = CGROUPS) -> bool:
    """Whether systemd's `MemorySwapMax=0` holds for this process (cgroup v2)."""
    try:
        own = next(line[3:] for line in cgroup.read_text().splitlines() if line.startswith("0::"))
        return (cgroups / own.strip("/") / "memory.swap.max").read_text().strip() == "0"
    except (OSError, StopIteration):
        return False
