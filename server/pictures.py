"""Pictures in a folder under the data root: a picture's name is the sha256 of its bytes, never a path from outside."""

from __future__ import annotations

import os
import re
from pathlib import Path

from django.conf import settings

SHA256 = re.compile(r"^[0-9a-f]{64}$")


def path_of(sha256: str) -> Path:
    """Where a picture lies. Raises ValueError for anything that is no sha256."""
    if not SHA256.match(sha256):
        raise ValueError("a picture's key is its sha256")
    return Path(settings.PICTURES) / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"


def keep(sha256: str, data: bytes) -> None:
    """Store a picture durably: written aside, synced, renamed, folder synced. A picture that is there already stays."""
    path = path_of(sha256)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
