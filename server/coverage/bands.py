"""Cells that touch each other, drawn as bands along the street. Pure."""

from __future__ import annotations

from server.coverage.rules import neighbours


def bands(places: dict[int, tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Cells and their middles as lines from each to the next that it touches, every cell once; one that touches none is a line of one point.

    A street two cells wide would be a zigzag: each place is drawn towards those it touches.
    """
    touching = {cell: [each for each in neighbours(cell) if each in places] for cell in places}
    at = {cell: _middle_of([places[each] for each in (cell, *touching[cell])]) for cell in places}
    left, lines = set(places), list[list[tuple[float, float]]]()
    for end in sorted(places, key=lambda cell: (len(touching[cell]), cell)):
        if end not in left:
            continue
        left.discard(end)
        lines.append([at[end]])
        open_ends = [end]
        while open_ends:
            here = open_ends[-1]
            onward = [each for each in touching[here] if each in left]
            if not onward:
                open_ends.pop()
                continue
            following = min(onward, key=lambda cell: (len(touching[cell]), cell))
            if lines[-1][-1] != at[here]:
                lines.append([at[here]])
            lines[-1].append(at[following])
            left.discard(following)
            open_ends.append(following)
    return lines


def _middle_of(places: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(lat for lat, _lon in places) / len(places), sum(lon for _lat, lon in places) / len(places)
