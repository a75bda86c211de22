"""What the plots of a report say of their scale."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.quiver import QuiverKey

from calibration import plots
from calibration.camera import Camera
from calibration.solve import Result, solve
from calibration.views import View


def test_an_arrow_tells_how_many_pixels_the_arrows_of_residuals_stand_for(
    views_of: Callable[..., list[View]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "_png", lambda figure: drawn.append(figure) or b"")
    views = views_of(Camera((1280, 720), (1100.0, 1104.0), (655.0, 352.0)), 8)
    solved = solve(views, "pinhole")
    plots.residuals_png(Result(solved, tuple(views), {}, np.array([0.1, 0.2]), None))
    (key,) = [each for axes in drawn[0].axes for each in axes.get_children() if isinstance(each, QuiverKey)]
    usual_px = float(np.percentile(np.hypot(*np.concatenate(solved.off_px).T), 95))
    assert float(key.U) == pytest.approx(usual_px)
    assert key.text.get_text() == f"{usual_px:.2f} px"
