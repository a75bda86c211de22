"""What can be wrong with a street: the categories with names, codes and deadlines, out of categories.toml; a city's own codes out of cities/."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.deadlines import WorkCalendar

_HERE = Path(__file__).parent


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Code(_Row):
    """A code is a component's or an event's: both lists may hold the same digits. Grade A to C: how many independent sources say so."""

    scheme: str
    version: str
    kind: Literal["component", "event"]
    code: str
    grade: Literal["A", "B", "C"]


class Category(_Row):
    """One kind of problem. `pinyin` is the Chinese name in syllables without tones, `pinyin_initials` are their first letters, by both of which people search; `meaning_…` says in a line what is meant and, after a semicolon, what is not: each kind close to it by the beginning of its name, for who has to tell them apart; `also` are words of both languages that people say for it, by which it is found. `file_as` names the category it is filed under where it has no code of its own."""

    key: str
    name_en: str
    name_zh: str
    pinyin_initials: Annotated[str, Field(pattern=r"^[a-z]+$")]
    pinyin: Annotated[str, Field(pattern=r"^[a-z]+( [a-z]+)*$")]
    meaning_en: Annotated[str, Field(min_length=10, max_length=120)]
    meaning_zh: Annotated[str, Field(min_length=5, max_length=42)]
    also: tuple[Annotated[str, Field(pattern=r"^([a-z][a-z -]*|[一-鿿]+)$")], ...] = ()
    group: str
    kind: Literal["component", "event"]
    severity: Literal["low", "medium", "high", "critical"]
    evidence: Literal["box", "rule", "needs_zone"]
    file_as: str = ""
    deadline_h: Annotated[float, Field(gt=0)] | None = None
    deadline_clock: Literal["continuous", "working"] | None = None
    filing_condition: str = ""
    closing_condition: str = ""
    codes: tuple[Code, ...] = ()
    sources: tuple[str, ...] = ()

    def name(self, language: str) -> str:
        """The name in Chinese for `zh…`, else in English."""
        return self.name_zh if language.startswith("zh") else self.name_en

    def meaning(self, language: str) -> str:
        """What is meant, in Chinese for `zh…`, else in English."""
        return self.meaning_zh if language.startswith("zh") else self.meaning_en


class CityCodes(_Row):
    """A city's own data: division code, local codes by category, the box it lies in (west, south, east, north), and when it works. What is not here is not known."""

    division_code: str
    name_zh: str
    name_en: str
    bounds_deg: tuple[float, float, float, float] | None = None
    local: dict[str, str] = {}
    calendar: WorkCalendar = WorkCalendar()


def _load() -> dict[str, Category]:
    rows = {row["key"]: row for row in tomllib.loads((_HERE / "categories.toml").read_text(encoding="utf-8"))["category"]}  # fmt: skip
    return {key: Category.model_validate(_deadline(rows.get(row.get("file_as"), {})) | row) for key, row in rows.items()}  # fmt: skip


def _deadline(row: dict[str, Any]) -> dict[str, Any]:
    """What a category has of the one it is filed as, unless it has its own."""
    return {name: row[name] for name in ("deadline_h", "deadline_clock") if name in row}


CATEGORIES: dict[str, Category] = _load()


@cache
def city_codes(key: str) -> CityCodes | None:
    """The data of one city, None if there is none."""
    path = _HERE / "cities" / f"{key}.toml"
    return (
        CityCodes.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        if path.is_file() and key.isidentifier()
        else None
    )


def filing_codes(category: str) -> tuple[Code, ...]:
    """The codes to file under: the category's own, else those of the one it is filed as."""
    own = CATEGORIES[category]
    return own.codes or (CATEGORIES[own.file_as].codes if own.file_as else ())
