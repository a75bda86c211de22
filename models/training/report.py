"""One HTML page that opens from disk: curves, reliability, confusion, and the worst pictures of an evaluation."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from models.packs import Pack
from models.pixels import Image, cut_out, draw_box, encode_jpeg, read_picture
from models.published import parts, table
from models.training.dataset import MEASURED_AS
from models.training.figures import PROBLEMS, Figures
from models.training.looks import Corners, Look, outcome
from models.training.measure import calibration_error, overlap

matplotlib.use("Agg")
WORST = 100
TILE_PX = 220
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}img{max-width:100%}"
    ".sheet{display:flex;flex-wrap:wrap;gap:6px}figure{margin:0;width:220px;font-size:12px;overflow-wrap:anywhere}figure img{display:block;width:220px}"
)


@dataclass(frozen=True)
class Worst:
    """One mistake to look at."""

    look: Look
    category: str
    box: Corners
    words: str


def page(result: dict[str, object], looks: Sequence[Look], figures: dict[str, Figures], pack: Pack) -> str:
    """The whole page."""
    sections = [
        f"<h1>{escape(pack.name)}</h1><p>{escape(str(result['data']))}, {result['split']}: {result['images']} pictures. "
        f"Mean over {result['counted']} problem categories with at least 30 boxes: AP50 {result['map50']}, AP {result['map']}.</p>",
        f"<pre>{escape(chr(10).join([*table(result), *parts(result, PROBLEMS)]))}</pre>",
        "<h2>Precision and recall</h2>", _embedded(_curves(looks, figures)),
        "<h2>Stated probability and share of right ones</h2>", _embedded(_reliability(looks, pack)),
        "<h2>What was taken for what</h2>", _confusion(looks, figures),
        f"<h2>Worst false alarms</h2><div class=sheet>{_sheet(worst_alarms(looks))}</div>",
        f"<h2>Worst misses</h2><div class=sheet>{_sheet(worst_misses(looks, figures))}</div>",
    ]  # fmt: skip
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(pack.name)}</title><style>{STYLE}</style>{"".join(sections)}</html>'


def worst_alarms(looks: Sequence[Look]) -> list[Worst]:
    """Detections of problems that met no box, surest first."""
    wrong = [(each, category) for category in PROBLEMS for each in outcome(looks, category).told if not each.right]
    wrong.sort(key=lambda pair: -pair[0].score)
    return [
        Worst(looks[each.look], category, each.box, f"{category} {each.score:.2f}") for each, category in wrong[:WORST]
    ]


def worst_misses(looks: Sequence[Look], figures: dict[str, Figures]) -> list[Worst]:
    """Labelled problems that nothing over the threshold met, largest first: small ones are missed by nature."""
    missed = []
    for category in PROBLEMS & figures.keys():
        for each in outcome(looks, category).there:
            if not each.met_at or each.met_at < figures[category].threshold:
                share = looks[each.look].share(each.box)
                seen = f", seen at {each.met_at:.2f}" if each.met_at else ""
                words = f"{category}, {share:.1%} of the picture{seen}"
                missed.append((share, Worst(looks[each.look], category, each.box, words)))
    return [worst for _, worst in sorted(missed, key=lambda pair: -pair[0])[:WORST]]


def _curves(looks: Sequence[Look], figures: dict[str, Figures]) -> Figure:
    shown = [category for category, f in figures.items() if f.ap50 is not None and category in PROBLEMS]
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    axes = figure.subplots()
    for category in shown:
        seen = outcome(looks, category)
        right = np.array([each.right for each in sorted(seen.judged, key=lambda each: -each.score)], float)
        hits = np.cumsum(right)
        axes.plot(
            hits / seen.boxes, hits / np.arange(1, len(hits) + 1), label=f"{category} ({figures[category].ap50:.2f})"
        )
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(title="AP50", loc="upper right")
    return figure


def _reliability(looks: Sequence[Look], pack: Pack) -> Figure:
    labels = {MEASURED_AS.get(label.name, label.name): label for label in pack.labels}
    judged = [
        (pack.probability(each.score, label), each.right)
        for category, label in labels.items()
        if category in PROBLEMS
        for each in outcome(looks, category).judged
        if each.score >= 0.1
    ]
    stated, right = np.array([p for p, _ in judged]), np.array([r for _, r in judged], float)
    figure = Figure(figsize=(5.5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999", linewidth=1)
    parts = np.array_split(np.argsort(stated), min(10, max(1, len(stated))))
    points = [(stated[part].mean(), right[part].mean()) for part in parts if len(part)]
    axes.plot(*zip(*points, strict=True), marker="o")
    axes.set(
        xlabel="stated",
        ylabel="right",
        xlim=(0, 1),
        ylim=(0, 1),
        title=f"expected calibration error {calibration_error(stated.tolist(), right.astype(bool).tolist()):.3f}",
    )
    return figure


def _confusion(looks: Sequence[Look], figures: dict[str, Figures]) -> str:
    """Labelled things of one category over which another category was told."""
    taken: Counter[tuple[str, str]] = Counter()
    for look in looks:
        for there in figures:
            for box in look.truth(there):
                for told, found in look.found.items():
                    sure = told in figures and told != there
                    if sure and any(s >= figures[told].threshold and overlap(box, other) >= 0.5 for s, other in found):
                        taken[there, told] += 1
    rows = "".join(
        f"<tr><td>{escape(there)}</td><td>{escape(told)}</td><td>{count}</td></tr>"
        for (there, told), count in taken.most_common(30)
    )
    return f"<table><tr><th>labelled</th><th>told</th><th>times</th></tr>{rows}</table>" if rows else "<p>Nothing.</p>"


def _sheet(mistakes: Iterable[Worst]) -> str:
    tiles = []
    for each in mistakes:
        view = _view(read_picture(each.look.sample.picture), each.box)
        data = base64.b64encode(encode_jpeg(view, 80)).decode()
        words = f"{each.words}<br>{escape(each.look.sample.picture.name[:34])}"
        tiles.append(f'<figure><img src="data:image/jpeg;base64,{data}" alt="">{words}</figure>')
    return "".join(tiles)


def _view(image: Image, box: Corners) -> Image:
    side = max(box[2] - box[0], box[3] - box[1], 40) * 2.2
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return cut_out(
        draw_box(image, box),
        (middle[0] - side / 2, middle[1] - side / 2, middle[0] + side / 2, middle[1] + side / 2),
        TILE_PX,
    )


def _embedded(figure: Figure) -> str:
    out = io.BytesIO()
    figure.savefig(out, format="svg")
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(out.getvalue()).decode()}" alt="">'
