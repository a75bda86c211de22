"""Both READMEs name the same targets of make, and make has them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def targets(readme: str) -> set[str]:
    return set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / readme).read_text(encoding="utf-8"), re.MULTILINE))


def test_whoever_reads_chinese_learns_of_the_same_targets_and_all_are_there() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(targets("README.md")) > 5
    assert targets("README.zh.md") == targets("README.md") <= known
