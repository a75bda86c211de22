"""What to type to start trikeye as this process was started: in a fresh checkout it lies in .venv/bin alone."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path


def typed(*words: str, whole: bool = False) -> str:
    """A command line that runs as it stands here, or with `whole` from any folder."""
    started = Path(sys.argv[0])
    if started.name != "trikeye" or not os.access(started, os.X_OK):
        return shlex.join([sys.executable, "-m", "trikeye", *words])
    found = shutil.which("trikeye")
    if found and os.path.samefile(found, started):
        return shlex.join(["trikeye", *words])
    return shlex.join([str(started.absolute() if whole else started), *words])
