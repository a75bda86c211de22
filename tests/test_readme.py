"""Whoever reads Chinese learns of the same targets of make, and make has them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def for_developers(readme: str) -> set[str]:
    """The targets that a README's last section names."""
    section = (ROOT / readme).read_text(encoding="utf-8").rpartition("\n## ")[2]
    return set(re.findall(r"`make ([a-z-]+)", section))


def test_both_readmes_name_the_same_targets_and_all_are_there() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(for_developers("README.md")) > 5
    assert for_developers("README.zh.md") == for_developers("README.md") <= known
