"""What a person put into a case stays in it, whatever the grouping says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, radians

from server.cases.rows import Member


def as_put(groups: Sequence[Sequence[Member]]) -> list[list[Member]]:
    """The groups, with what a person put into one case together and what they put into two apart.

    What nobody touched follows what it was grouped with: of several cases that one whose sighting is nearest. So this too is a function of the set of sightings and of
    what was put where. It does not say what a later pass over two things that were put apart saw: what the grouping takes for a third one becomes a case of its own.
    """
    parts: dict[tuple[str, int | None], list[Member]] = {}
    for number, rows in enumerate(groups):
        put = [row for row in rows if row.by_hand]
        for row in rows:
            parts.setdefault(("put", _case_of(row, put)) if put else ("grouped", number), []).append(row)
    return list(parts.values())


def case_put(rows: Sequence[Member]) -> int | None:
    """The case into which a person put any of these, None if nobody did."""
    return next((row.case_id for row in rows if row.by_hand), None)


def _case_of(row: Member, put: Sequence[Member]) -> int | None:
    return row.case_id if row.by_hand else min(put, key=lambda each: (_away_m(row, each), each.id)).case_id


def _away_m(a: Member, b: Member) -> float:
    east = (a.lon_deg - b.lon_deg) * cos(radians(a.lat_deg))
    return hypot(east, a.lat_deg - b.lat_deg) * 111_195
