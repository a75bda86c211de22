"""When a category may leave for a city, and how sure its precision is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from models.taxonomy import CATEGORIES, Category, Code, filing_codes

LEAST_VERDICTS = 100
LEAST_PRECISION = 0.70
Z_95 = 1.96


class Standing(StrEnum):
    """In shadow: reviewed by who asks for it, never handed over. Trial: handed to sandboxes alone. Live: handed over."""

    SHADOW = "shadow"
    TRIAL = "trial"
    LIVE = "live"


def category_of(key: str) -> Category:
    """The category; one that was retired while it has cases goes by its key."""
    words = key.replace("_", " ")
    return CATEGORIES.get(key) or Category(
        key=key,
        name_en=words,
        name_zh=words,
        pinyin_initials="x",
        pinyin="x",
        meaning_en="Not in use any more",
        meaning_zh="已不再使用",
        group="",
        kind="event",
        severity="low",
        evidence="box",
    )


def is_called(key: str, words: str) -> bool:
    """Whether a category goes by these words: part of its name in either language or of its key, or its pinyin, by first letters or written out from any syllable on."""
    category, wanted = category_of(key), words.strip().casefold()
    named = (category.name_zh, category.name_en, category.key.replace("_", " "))
    return (
        any(wanted in name.casefold() for name in named)
        or category.pinyin_initials.startswith(wanted)
        or is_spelt(category.pinyin, wanted)
    )


def is_spelt(pinyin: str, typed: str) -> bool:
    """Whether a name's syllables, from any of them on, are written out so; spaces do not count."""
    syllables, letters = pinyin.split(), typed.replace(" ", "")
    return letters != "" and any("".join(syllables[first:]).startswith(letters) for first in range(len(syllables)))


def codes_of(key: str) -> tuple[Code, ...]:
    """The codes a category is filed under; none if it was retired."""
    return filing_codes(key) if key in CATEGORIES else ()


@dataclass(frozen=True)
class Proof:
    """What reviewers said of a category's cases: so many confirmed, so many rejected because the detector was wrong."""

    confirmed: int = 0
    rejected: int = 0

    @property
    def verdicts(self) -> int:
        return self.confirmed + self.rejected

    @property
    def precision(self) -> float | None:
        """Share of the confirmed; None without a verdict."""
        return self.confirmed / self.verdicts if self.verdicts else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the precision; 0 to 1 without a verdict."""
        return wilson(self.confirmed, self.verdicts)

    @property
    def is_enough(self) -> bool:
        """Whether a supervisor may make the category live."""
        return self.verdicts >= LEAST_VERDICTS and self.interval[0] >= LEAST_PRECISION

    @property
    def figures(self) -> dict[str, float | int | None]:
        """For an audit row and for machines; shares rounded to 4 digits."""
        low, high = self.interval
        share = self.precision
        return {
            "verdicts": self.verdicts, "confirmed": self.confirmed, "precision": None if share is None else round(share, 4),
            "low": round(low, 4), "high": round(high, 4),
        }  # fmt: skip


def wilson(right: int, of: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score (1927); 0 to 1 for nothing at all."""
    if not of:
        return 0.0, 1.0
    share = right / of
    middle = share + Z_95**2 / (2 * of)
    reach = Z_95 * sqrt(share * (1 - share) / of + Z_95**2 / (4 * of * of))
    scale = 1 + Z_95**2 / of
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)
