"""`trikeye calibrate board`: a board for calibration as a PDF that is true to scale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from calibration.board import PAPERS_MM, BadBoard, page, paper_for, typed
from calibration.command_camera import add_board_arguments, board_of
from calibration.files import write_whole

NAME = "trikeye calibrate board"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_board_arguments(parser)
    parser.add_argument("--paper", choices=tuple(PAPERS_MM), help="the sheet (default: the smallest that fits)")
    parser.add_argument("--out", type=Path, default=Path("board.pdf"), help="file to write (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    from calibration.find import markers_of

    if args.out.suffix.lower() != ".pdf":
        print(f"{NAME}: {args.out}: a board is written as a PDF, which alone is true to scale; end its name in .pdf", file=sys.stderr)  # fmt: skip
        return 2
    papers = [args.paper] if args.paper else list(PAPERS_MM)
    try:
        board = board_of(args)
        document = page(board, markers_of(board), papers)
        name, across_mm, down_mm = paper_for(board, papers)
    except BadBoard as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 2
    write_whole(args.out, document)
    print(
        f"{args.out}: a {board.words} for {name} {'across' if across_mm > down_mm else 'upright'}; print it at 100 % and measure the line on it"
    )
    print(f"then: {typed(board)}")
    return 0
