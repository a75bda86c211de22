"""Has the system read the libraries of environments from the disk again, as after a boot.

`python benchmarks/as_booted.py .venv …`, before anything loads them. Right after an installation the kernel holds them in larger pieces and counts 60 MB more as resident.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Forget every library below the folders named."""
    os.sync()
    for folder in sys.argv[1:]:
        for library in Path(folder).rglob("*.so*"):
            if library.is_file():
                with library.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
