"""What a calibration rests on, in pictures: where boards were, what their points are off by, and what the lens does."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from math import atan, degrees, hypot, tan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calibration.camera import Camera, OutsideField
from calibration.solve import Result
from calibration.views import Array, coverage

BLUE, RED, GREY = "#1f5fa8", "#c0392b", "#8a8f98"
DPI, ARROW_SHARE = 110, 0.03
"""Of the picture's width: how long the arrow of the 95th percentile is drawn."""


def coverage_png(result: Result) -> bytes:
    """Where in the picture the boards' points were, and in how many pictures each cell was covered."""
    figure, axes = _picture(result.solved.camera, "Where the board was: pictures that cover each cell")
    width, height = result.solved.camera.size_px
    counts = coverage(result.views)
    image = axes.imshow(counts, extent=(0, width, height, 0), cmap="Blues", vmin=0, alpha=0.55, aspect="equal")
    for row, column in np.ndindex(counts.shape):
        middle = (column + 0.5) * width / counts.shape[1], (row + 0.5) * height / counts.shape[0]
        empty = counts[row, column] == 0
        axes.text(
            *middle, str(counts[row, column]), ha="center", va="center", fontsize=13, color=RED if empty else "black"
        )
    points = np.concatenate([view.points_px for view in result.views])
    axes.plot(*points.T, ".", color=BLUE, markersize=2)
    figure.colorbar(image, ax=axes, label="pictures", fraction=0.03)
    return _png(figure)


def residuals_png(result: Result) -> bytes:
    """What each point is off by, as arrows; and each picture's root mean square, beside that of boards that were left out."""
    camera, solved = result.solved.camera, result.solved
    points, off = np.concatenate([view.points_px for view in result.views]), np.concatenate(solved.off_px)
    usual = float(np.percentile(np.hypot(*off.T), 95))
    figure = Figure(figsize=(13, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _frame(left, camera, f"What points are off by (19 of 20 by less than {usual:.2f} px)")
    arrows = left.quiver(
        *points.T,
        *off.T,
        angles="xy",
        scale_units="xy",
        scale=usual / (ARROW_SHARE * camera.size_px[0]),
        width=0.0015,
        color=BLUE,
    )
    left.quiverkey(arrows, 0.9, 1.04, usual, f"{usual:.2f} px", labelpos="E", color=RED)
    names, places = [view.name for view in result.views], np.arange(len(result.views))
    right.barh(places, solved.errors_px, color=BLUE)
    right.set_yticks(places, [name[-24:] for name in names], fontsize=7)
    right.invert_yaxis()
    middle, high = np.percentile(result.held_out_px, (50, 90))
    right.axvline(middle, color=RED, label=f"left out, median {middle:.2f} px")
    right.axvline(high, color=RED, linestyle=":", label=f"left out, 9 of 10 below {high:.2f} px")
    right.set(title="Root mean square by picture", xlabel="px")
    figure.legend(loc="outside lower right", ncols=2, fontsize=8)
    return _png(figure)


def distortion_png(result: Result) -> bytes:
    """How far off the axis each part of the picture looks, and how that differs from a lens without distortion."""
    camera = result.solved.camera
    figure = Figure(figsize=(13, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _frame(left, camera, "Angle off the axis, in degrees")
    u, v, angles = _angles_deg(camera)
    lines = left.contour(u, v, angles, levels=np.arange(5, 90, 5), colors=BLUE, linewidths=0.8)
    left.clabel(lines, fontsize=8, fmt="%d°")
    points = np.concatenate([view.points_px for view in result.views])
    left.plot(*points.T, ".", color=GREY, markersize=1.5)
    left.plot(*camera.centre_px, "+", color=RED, markersize=12)
    seen_deg = max(_angle_deg(camera, *map(float, point)) for point in points)
    most_deg = float(np.nanmax(angles))
    right.plot(*_curve(camera, most_deg).T, color=BLUE, label="this lens")
    plain = np.arange(0, min(most_deg, 75.0), 0.5)
    right.plot(
        plain,
        [camera.focal_px[0] * tan(np.radians(each)) for each in plain],
        color=GREY,
        linestyle="--",
        label="without distortion",
    )
    right.axvspan(seen_deg, max(most_deg, seen_deg + 0.5), color=RED, alpha=0.12, label="no board was there")
    right.set(title="How far from the middle a direction falls", xlabel="degrees off the axis", ylabel="px")
    right.set_ylim(0, 1.2 * hypot(*camera.size_px) / 2)
    right.legend(fontsize=8)
    return _png(figure)


def report_html(result: Result, board: str, plots: Sequence[tuple[str, str]]) -> str:
    """A page (HTML) that opens from disk: the figures, the plots (file name, words), and the pictures used and refused."""
    camera = result.solved.camera
    middle, high = np.percentile(result.held_out_px, (50, 90))
    figures = [
        ("Model", camera.model), ("Picture", f"{camera.size_px[0]} x {camera.size_px[1]} px"),
        ("Focal lengths", f"{camera.focal_px[0]:.2f}, {camera.focal_px[1]:.2f} px"),
        ("Principal point", f"{camera.centre_px[0]:.2f}, {camera.centre_px[1]:.2f} px"),
        ("Distortion", ", ".join(f"{each:.5f}" for each in camera.distortion)),
        ("Left-out boards are off by", f"{middle:.2f} px (median), {high:.2f} px (9 of 10 below)"),
        ("Tilt of the boards", f"{result.solved.tilt_deg:.0f}° (root mean square to the mean)"), ("Board", board),
    ]  # fmt: skip
    rows = "".join(f"<tr><th>{html.escape(name)}<td>{html.escape(value)}" for name, value in figures)
    images = "".join(
        f'<h2>{html.escape(words)}</h2><img src="{name}" alt="{html.escape(words)}">' for name, words in plots
    )
    used = "".join(
        f"<li>{html.escape(view.name)}: {error:.2f} px"
        for view, error in zip(result.views, result.solved.errors_px, strict=True)
    )
    refused = (
        "".join(f"<li>{html.escape(name)}: {html.escape(why)}" for name, why in result.refused.items()) or "<li>none"
    )
    style = "body{font:16px system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}img{max-width:100%}th{text-align:left;padding-right:2em}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Camera calibration</title><style>{style}</style><h1>Camera calibration</h1>'
        f"<table>{rows}</table>{images}<h2>Pictures used</h2><ul>{used}</ul><h2>Pictures refused</h2><ul>{refused}</ul></html>\n"
    )


def _picture(camera: Camera, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 9 * camera.size_px[1] / camera.size_px[0] + 0.6), layout="constrained")
    axes = figure.subplots()
    _frame(axes, camera, title)
    return figure, axes


def _frame(axes: Axes, camera: Camera, title: str) -> None:
    axes.set(
        xlim=(0, camera.size_px[0]), ylim=(camera.size_px[1], 0), aspect="equal", title=title, xlabel="px", ylabel="px"
    )


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, bbox_inches="tight")
    return out.getvalue()


def _angle_deg(camera: Camera, u_px: float, v_px: float) -> float:
    try:
        return degrees(atan(hypot(*camera.ray(u_px, v_px))))
    except OutsideField:
        return float("nan")


def _angles_deg(camera: Camera) -> tuple[Array, Array, Array]:
    u, v = np.linspace(0, camera.size_px[0] - 1, 48), np.linspace(0, camera.size_px[1] - 1, 36)
    return u, v, np.array([[_angle_deg(camera, float(x), float(y)) for x in u] for y in v])


def _curve(camera: Camera, most_deg: float) -> Array:
    """Degrees off the axis to the right and pixels from the principal point [N, 2]."""
    curve = []
    for each in np.arange(0, most_deg, 0.5):
        try:
            curve.append((float(each), camera.pixel(tan(np.radians(each)), 0.0)[0] - camera.centre_px[0]))
        except OutsideField:
            break
    return np.array(curve)
