"""A scripted reviewer who looks at the picture too: a box that is not on the problem is rejected, though one stands near, and one on another problem gets that one's category."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime
from pathlib import Path

from demo.login import Login
from demo.reviewer import Reviewer
from demo.ride.write import HEIGHT, WIDTH
from models.boxes import iou_of

SHOWS = 0.3
"""From which overlap on a person takes a box for one of the thing."""
BOX = re.compile(r'viewBox="0 0 (\d+) (\d+)"[^>]*data-x="(\d+)" data-y="(\d+)" data-w="(\d+)" data-h="(\d+)"')
TIME = re.compile(r'<time datetime="([^"]+)"')


class LookingReviewer(Reviewer):
    """Answers from the boxes of a drawn ride's truth."""

    def __init__(self, base_url: str, login: Login, ride: Path) -> None:
        super().__init__(base_url, login, None)
        about = tomllib.loads((ride / "ride.toml").read_text(encoding="utf-8"))
        self._start, self._fps = datetime.fromisoformat(about["start"]), float(about["fps"])
        self._problems_shown = json.loads((ride / "truth.json").read_text(encoding="utf-8"))["problems"]

    def shows(self, values: dict[str, str], article: str) -> str:
        """The category of the problem on which the first picture's box lies in that frame, or the one before or after: the proposed one if it can be."""
        box, time = BOX.search(article), TIME.search(article)
        if box is None or time is None:
            return ""
        wide, high, x, y, w, h = map(int, box.groups())
        frame = round((datetime.fromisoformat(time[1]) - self._start).total_seconds() * self._fps)
        across, down = WIDTH / wide, HEIGHT / high
        seen = (x * across, y * down, (x + w) * across, (y + h) * down)
        under: dict[str, float] = {}
        for problem in self._problems_shown:
            views = [view[1:5] for view in problem["views"] if abs(view[0] - frame) <= 1]
            best = max((iou_of(seen, tuple(view)) for view in views), default=0.0)
            if best >= SHOWS:
                under[problem["category"]] = max(best, under.get(problem["category"], 0.0))
        return values["category"] if values["category"] in under else max(under, key=under.__getitem__, default="")
