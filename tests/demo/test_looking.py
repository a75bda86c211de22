"""A reviewer who looks at the picture takes no box for a problem that merely stands near."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from demo.chain import SAMPLE
from demo.login import Login
from demo.looking import BOX, LookingReviewer

TEMPLATE = Path(__file__).resolve().parents[2] / "server" / "templates" / "card.html"
PROBLEM = max(json.loads((SAMPLE / "truth.json").read_text())["problems"], key=lambda problem: len(problem["views"]))
VIEW = PROBLEM["views"][len(PROBLEM["views"]) // 2]


def card(move_px: float = 0, frames: int = 0, scale: float = 1.0) -> str:
    """A card whose box is that of the truth, moved, seen so many frames later, in a picture of another size."""
    about = tomllib.loads((SAMPLE / "ride.toml").read_text())
    seen = datetime.fromisoformat(about["start"]) + timedelta(seconds=(VIEW[0] + frames) / about["fps"])
    x1, y1, x2, y2 = (edge * scale for edge in VIEW[1:5])
    return (
        f'<svg class="box" viewBox="0 0 {960 * scale:.0f} {540 * scale:.0f}" aria-hidden="true" data-x="{x1 + move_px * scale:.0f}" data-y="{y1:.0f}"'
        f' data-w="{x2 - x1:.0f}" data-h="{y2 - y1:.0f}"></svg><time datetime="{seen.isoformat()}">'
    )


@pytest.mark.parametrize(
    ("article", "proposed", "shows"),
    [
        (card(), PROBLEM["category"], PROBLEM["category"]),
        (card(scale=4 / 3), PROBLEM["category"], PROBLEM["category"]),
        (card(move_px=400), PROBLEM["category"], ""),
        (card(frames=300), PROBLEM["category"], ""),
        (card(), "illegal_parking", PROBLEM["category"]),
        ("<p>no picture</p>", PROBLEM["category"], ""),
    ],
)
def test_a_card_shows_what_its_box_is_on(article: str, proposed: str, shows: str) -> None:
    reviewer = LookingReviewer("http://127.0.0.1:1", Login("li", "password"), SAMPLE)
    assert reviewer.shows({"category": proposed}, article) == shows


def test_the_cards_of_the_back_office_say_where_the_box_is() -> None:
    filled = re.sub(r"\{\{[^}]*\}\}", "7", TEMPLATE.read_text())
    assert BOX.search(filled)
    assert '<time datetime="7"' in filled
