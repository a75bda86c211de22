"""No process outlives the one that started it: orphans would hold ports and the broker's client id against the next start."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_SET_PARENT_DEATH_SIGNAL = 1


def end_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: the kernel ends the new process when the thread that starts it ends, however that ends. Linux only; elsewhere nothing."""
    parent = os.getpid()

    def ask() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
            if os.getppid() != parent:  # it ended before this line
                os.kill(os.getpid(), signal.SIGTERM)

    return ask
