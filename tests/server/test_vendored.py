"""What browsers get of others' work is what its makers published: each folder lists its files by their digests, and names package and version."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

VENDORED = Path(__file__).parents[2] / "server" / "static" / "vendor"
FOLDERS = sorted(path for path in VENDORED.iterdir() if path.is_dir())
LIST = "SHA256SUMS"


def listed(folder: Path) -> tuple[str, dict[str, str]]:
    """The first line of a folder's list, and the digests by file."""
    first, *rows = (folder / LIST).read_text(encoding="utf-8").splitlines()
    return first, {name: digest for digest, name in (row.split("  ") for row in rows if not row.startswith("#"))}


def test_there_is_something_vendored() -> None:
    assert FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_is_listed_and_as_it_was_published(folder: Path) -> None:
    first, digests = listed(folder)
    assert re.match(r"^# .+ \d+\.\d+\.\d+, ", first), "the first line says what it is, its version and where it is from"
    assert digests == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != LIST
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_comes_with_its_licence_and_is_served(folder: Path) -> None:
    names = [path.name for path in folder.iterdir()]
    assert any(name.upper().startswith("LICENSE") for name in names)
    assert all(finders.find(f"vendor/{folder.name}/{name}") for name in names)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_vendored_fetches_from_elsewhere(folder: Path) -> None:
    """A sheet or script that imports by an address of another origin would leave the office's network."""
    for path in folder.iterdir():
        if path.suffix in {".css", ".js", ".mjs"}:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"""(?:@import|url\(|\bfrom|\bimport\s*\()\s*["']https?:|url\(https?:""", text), (
                path.name
            )
