"""What can be wrong with a vehicle, worst first, in a word and with what to do: one table for the vehicle's doctor and the back office's page."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["stopped", "worse", "note", "well"]
SEVERITIES: tuple[Severity, ...] = ("stopped", "worse", "note", "well")
Words = Annotated[str, Field(min_length=1)]


class Trouble(BaseModel):
    """One row of troubles.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    key: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,48}$")]
    severity: Severity
    en: Words
    zh: Words
    do_en: Words
    do_zh: Words

    def word(self, language: str) -> str:
        """The word in Chinese for `zh…`, else in English."""
        return self.zh if language.startswith("zh") else self.en

    def remedy(self, language: str) -> str:
        """What to do, in the same language."""
        return self.do_zh if language.startswith("zh") else self.do_en


def _load() -> dict[str, Trouble]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["trouble"]
    return {row["key"]: Trouble.model_validate(row) for row in rows}


TROUBLES: dict[str, Trouble] = _load()
_RANK = {key: (SEVERITIES.index(each.severity), place) for place, (key, each) in enumerate(TROUBLES.items())}


def rank(key: str) -> tuple[int, int]:
    """Sorts keys worst first. A word of a newer vehicle that is not known here comes after the worst, before the notes."""
    return _RANK.get(key, (SEVERITIES.index("worse"), len(TROUBLES)))


def trouble_of(key: str) -> Trouble:
    """The row of a key; for one that is not known here, the key itself is the word."""
    return TROUBLES.get(key) or Trouble(
        key=key, severity="worse", en=key.replace("_", " "), zh=key.replace("_", " "),
        do_en="The vehicle is newer than this side. Update this side to read what is wrong.", do_zh="车辆版本比本端新。请升级本端后查看说明。",
    )  # fmt: skip
