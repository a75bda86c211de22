"""A copy back into an empty data folder, each file compared with its digest. Files alone, no Django."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from server.keeping.backup import (
    DATABASE,
    MANIFEST,
    PICTURES,
    SECRETS,
    Manifest,
    NotCopied,
    Say,
    copies_in,
    copy_pictures,
    copy_secrets,
    digest_of,
    erased_in,
    pictures_named,
)

PART = ".restoring"


@dataclass(frozen=True)
class Restored:
    """What came back. `lost`: pictures that the copy's rows name and that the backup should hold, and does not."""

    copy: Path
    manifest: Manifest
    pictures: int
    lost: list[str]


def restore(source: Path, data: Path, say: Say) -> Restored:
    """Bring a copy back: the newest of a backup folder, or the one that is named. The database comes last, so that a restore that was cut short leaves none. Raises NotCopied, OSError."""
    copy = newest(source)
    manifest = read_manifest(copy)
    if data.exists() and any(data.iterdir()):
        raise NotCopied(f"{data} is not empty; move what is there away, or name another folder by TRIKEYE_DATA")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    say(f"checking the database of {copy.name}")
    _check(copy, manifest)
    named = pictures_named(copy / DATABASE) - erased_in(copy / DATABASE)
    _, missing = copy_pictures(named, copy.parent / PICTURES, data / PICTURES, say)
    lost = sorted(missing - {*manifest.missing, *manifest.erased_since})
    if manifest.secrets:
        copy_secrets(copy / SECRETS, data / SECRETS)
    _place_database(copy / DATABASE, data / DATABASE)
    return Restored(copy, manifest, len(named) - len(missing), lost)


def newest(source: Path) -> Path:
    """The copy that is meant. Raises NotCopied."""
    if (source / MANIFEST).exists():
        return source
    copies = copies_in(source) if source.is_dir() else []
    if not copies:
        raise NotCopied(f"{source} holds no finished backup (a folder with {MANIFEST}); make one: trikeye server backup {source}")  # fmt: skip
    return copies[-1]


def read_manifest(copy: Path) -> Manifest:
    """What a copy says it holds. Raises NotCopied."""
    try:
        manifest = Manifest(**json.loads((copy / MANIFEST).read_text()))
    except (ValueError, TypeError) as wrong:
        raise NotCopied(f"{copy / MANIFEST} cannot be read ({wrong}); take an older copy") from None
    if manifest.format != 1:
        raise NotCopied(f"{copy} was made by a newer trikeye ({manifest.version}); restore it with that one")
    return manifest


def _check(copy: Path, manifest: Manifest) -> None:
    if digest_of(copy / DATABASE) != manifest.database_sha256:
        raise NotCopied(f"{copy / DATABASE} is not as it was written; take an older copy, and look at that disk")
    for name, digest in manifest.secrets.items():
        if not (copy / SECRETS / name).exists() or digest_of(copy / SECRETS / name) != digest:
            raise NotCopied(f"{copy / SECRETS / name} is not as it was written; take an older copy, and look at that disk")  # fmt: skip


def _place_database(source: Path, target: Path) -> None:
    aside = target.with_suffix(PART)
    shutil.copyfile(source, aside)
    aside.chmod(0o600)
    with closing(sqlite3.connect(aside)) as db:
        wrong = db.execute("PRAGMA integrity_check").fetchone()[0]
    if wrong != "ok":
        raise NotCopied(f"the database of {source.parent} is damaged ({wrong}); take an older copy")
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(target)
