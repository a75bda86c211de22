"""Numbers that verbs of calibration take as arguments: what each may be, and what is said of others."""

from __future__ import annotations

import argparse

from calibration.mount import HEIGHTS_M


def height(words: str) -> float:
    """An argument of a lens's height over the road. Raises what argparse tells."""
    try:
        metres = float(words)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{words}' is not metres, as 1.4") from None
    if not HEIGHTS_M[0] <= metres <= HEIGHTS_M[1]:
        raise argparse.ArgumentTypeError(f"{metres:g} m high, which no camera on a vehicle is: give metres over the road, {HEIGHTS_M[0]:g} to {HEIGHTS_M[1]:g}")  # fmt: skip
    return metres


def four(words: str) -> tuple[float, ...]:
    """An argument of four numbers. Raises what argparse tells."""
    try:
        numbers = tuple(float(word) for word in words.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(
            f"'{words}' is not four numbers with commas between, as 721.5,721.5,609.6,172.9"
        )
    return numbers


def size(words: str) -> tuple[int, int]:
    """An argument of a picture's size. Raises what argparse tells."""
    return _counts(words, "a width and a height, as 1242x375")


def squares(words: str) -> tuple[int, int]:
    """An argument of a board's squares. Raises what argparse tells."""
    return _counts(words, "two counts of squares, across and down, as 9x6")


def _counts(words: str, what: str) -> tuple[int, int]:
    try:
        width, height = (int(word) for word in words.lower().split("x"))
    except ValueError:
        width = height = 0
    if width < 1 or height < 1:
        raise argparse.ArgumentTypeError(f"'{words}' is not {what}")
    return width, height
