"""One figure of `make bench-place`: what it is, what was measured, and whether that is good enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`holds` is None if it was not measured, because the data of others is missing."""

    what: str
    figure: str
    aim: str
    holds: bool | None
