"""Whether the camera hangs upside down: a network that knows streets sees more in a picture the right way up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.values import Image
from models.runtime import Detector

FLOOR = 0.15
ENOUGH, TIMES = 8.0, 2.0
"""Scores that must have come together, and how many times those of the other way. Over recorded rides the right way gathers 3.5 to 8 times the other's."""


@dataclass
class TurnWatch:
    """Gathers the scores of what is seen as the picture comes (`upright`) and turned by half a turn (`turned`)."""

    upright: float = 0.0
    turned: float = 0.0

    @property
    def is_upside_down(self) -> bool:
        return self.turned >= ENOUGH and self.turned > TIMES * self.upright

    @property
    def is_upright(self) -> bool:
        """Whether that is sure enough to look no more."""
        return self.upright >= ENOUGH and self.upright > TIMES * self.turned

    def see(self, upright: float, turned: float) -> None:
        """Take one look's scores; what was seen long ago counts ever less, so that a camera put right is soon called so."""
        if self.upright + self.turned > 4 * ENOUGH:
            self.upright, self.turned = self.upright / 2, self.turned / 2
        self.upright, self.turned = self.upright + upright, self.turned + turned


def scores(detector: Detector, image: Image) -> tuple[float, float]:
    """The sums of the scores of everything seen in a picture as it is, and turned by half a turn."""
    turned = np.ascontiguousarray(image[::-1, ::-1])
    as_is, other = (sum(found.score for found in detector.detect(each, FLOOR)) for each in (image, turned))
    return as_is, other
