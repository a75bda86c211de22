"""Boards for calibration: what is dark on them, and a page that prints one true to scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["chessboard", "charuco", "aruco"]
Bits = npt.NDArray[np.bool_]
PAPERS_MM = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}
MARGIN_MM, FOOT_MM, RULER_MM = 10.0, 20.0, 100.0
POINTS_PER_MM = 72 / 25.4
DICTIONARY = "4X4_100"
MARKER_SHARE = 0.72
"""A marker's side to its square's, if nobody said: wide enough a white rim, and whole millimetres at 25."""
LEAST_SQUARES = {"chessboard": 4, "charuco": 3, "aruco": 2}


class BadBoard(Exception):
    """A board that cannot be, or does not fit its paper; the text says why and what to do."""


@dataclass(frozen=True)
class Board:
    """`squares` counts across and down, also the outer ones. Of a grid of markers (aruco) a square is a marker and the gap after it."""

    kind: Kind
    squares: tuple[int, int]
    square_mm: float = 25.0
    marker_mm: float = 0.0
    dictionary: str = DICTIONARY

    def __post_init__(self) -> None:
        least = LEAST_SQUARES[self.kind]
        if min(self.squares) < least or max(self.squares) > 50:
            raise BadBoard(f"a {self.words} does not work: give {least} to 50 each way")
        if not 1 <= self.square_mm <= 1000:
            raise BadBoard(f"squares of {self.square_mm:g} mm do not work: give 1 to 1000 mm")
        if self.kind != "chessboard" and not 0.3 * self.square_mm <= self.marker_mm < 0.95 * self.square_mm:
            raise BadBoard(
                f"a marker of {self.marker_mm:g} mm does not work in squares of {self.square_mm:g} mm: give {0.3 * self.square_mm:g} to {0.94 * self.square_mm:g} mm"
            )

    @property
    def words(self) -> str:
        """As people call it: `chessboard of 9x6 squares`."""
        name = {
            "chessboard": "chessboard of {} squares",
            "charuco": "ChArUco board of {} squares",
            "aruco": "grid of {} markers",
        }
        return name[self.kind].format(f"{self.squares[0]}x{self.squares[1]}")

    @property
    def marker_places(self) -> list[tuple[int, int]]:
        """The squares (column, row) that carry markers, in the order of their numbers."""
        across, down = self.squares
        every = [(x, y) for y in range(down) for x in range(across)]
        return {"chessboard": [], "aruco": every, "charuco": [(x, y) for x, y in every if (x + y) % 2]}[self.kind]


def dark_mm(board: Board, markers: Sequence[Bits]) -> npt.NDArray[np.float64]:
    """Rectangles [N, 4] (left, top, width, height) in mm that are dark on a board; its upper left corner is (0, 0).

    `markers` are the dictionary's first ones with their dark rim, one [side, side] for each of the board's places, True where dark.
    The layout is OpenCV's since 4.6: the square in the upper left corner is dark.
    """
    across, down = board.squares
    side, rim = board.square_mm, (board.square_mm - board.marker_mm) / 2
    dark = []
    if board.kind != "aruco":
        dark += [(x * side, y * side, side, side) for y in range(down) for x in range(across) if (x + y) % 2 == 0]
    else:
        rim = 0.0
    for (column, row), bits in zip(board.marker_places, markers, strict=True):
        cell = board.marker_mm / len(bits)
        dark += [
            (column * side + rim + x * cell, row * side + rim + y * cell, cell, cell) for y, x in np.argwhere(bits)
        ]
    return np.array(dark)


def size_mm(board: Board) -> tuple[float, float]:
    """Width and height of what is printed."""
    gap = board.square_mm - board.marker_mm if board.kind == "aruco" else 0.0
    return board.squares[0] * board.square_mm - gap, board.squares[1] * board.square_mm - gap


def paper_for(board: Board, papers: Sequence[str] = tuple(PAPERS_MM)) -> tuple[str, float, float]:
    """The first paper that a board fits: name, width and height in mm. Raises BadBoard."""
    width, height = size_mm(board)
    for name in papers:
        short, long = PAPERS_MM[name]
        for across, down in ((long, short), (short, long)):
            if width + 2 * MARGIN_MM <= across and height + MARGIN_MM + FOOT_MM <= down:
                return name, across, down
    raise BadBoard(
        f"a board of {width:.0f} x {height:.0f} mm does not fit on {' or '.join(papers)}: take fewer or smaller squares"
    )


def page(board: Board, markers: Sequence[Bits], papers: Sequence[str] = tuple(PAPERS_MM)) -> bytes:
    """A PDF of one page: the board, a line to check the printer's scale, and what to type. Raises BadBoard."""
    _, across, down = paper_for(board, papers)
    width, height = size_mm(board)
    left, top = (across - width) / 2, (down - FOOT_MM - height + MARGIN_MM) / 2
    boxes = dark_mm(board, markers) + np.array((left, top, 0, 0))
    ruler_left, ruler_y = (across - RULER_MM) / 2, down - FOOT_MM + 6
    ticks = [
        (ruler_left + mm, ruler_y - (3 if mm % 50 == 0 else 1.5), 0.2, 3 if mm % 50 == 0 else 1.5)
        for mm in range(0, 101, 10)
    ]
    boxes = np.vstack((boxes, [(ruler_left, ruler_y - 0.1, RULER_MM + 0.2, 0.2), *ticks]))
    # One path filled once: neighbours leave no seam between them.
    drawn = (
        "".join(f"{_points(x)} {_points(down - y - h)} {_points(w)} {_points(h)} re\n" for x, y, w, h in boxes) + "f\n"
    )
    told = (
        "Print at 100 %, not fitted to the page: this line is 100 mm long. Glue the sheet onto something flat.",
        typed(board),
    )
    for line, words in enumerate(told):
        drawn += f"BT /F 8 Tf {_points(MARGIN_MM)} {_points(down - ruler_y - 5 - 4 * line)} Td ({words}) Tj ET\n"
    return _pdf(drawn.encode("latin-1"), _points(across), _points(down))


def typed(board: Board) -> str:
    """The command that calibrates with this board."""
    kind = (
        ""
        if board.kind == "chessboard"
        else f" --{board.kind} --marker-mm {board.marker_mm:g} --dictionary {board.dictionary}"
    )
    return f"trikeye calibrate camera PICTURES --squares {board.squares[0]}x{board.squares[1]} --square-mm {board.square_mm:g}{kind} --output camera.toml"


def _points(mm: float) -> str:
    return f"{mm * POINTS_PER_MM:.4f}"


def _pdf(content: bytes, width: str, height: str) -> bytes:
    """A document of one page (ISO 32000-1, 7.5): its objects, where each begins, and where that is told."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, begins = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        begins.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % at for at in begins)
    count = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        count, table, count, len(out),
    )  # fmt: skip
