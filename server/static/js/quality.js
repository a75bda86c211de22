/* Draws each table of weeks above itself. The table is the one source of its figures: a column with data-kind is a line (share, with its interval) or bars (count). */
import uPlot from "../vendor/uplot/uPlot.esm.js";

const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]], HEIGHTS = { share: 220, count: 120 }, LABEL_PX = 64;
const night = matchMedia("(prefers-color-scheme: dark)");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const number = (text) => (text === undefined ? null : Number(text));
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(5, 10);

function columns(table) {
  const heads = [...table.tHead.rows[0].cells], rows = [...table.tBodies[0].rows];
  const days = rows.map((row) => Date.parse(`${row.cells[0].dataset.day}T00:00Z`) / 1000);
  const shown = heads.flatMap((head, at) => (head.dataset.kind ? [{ kind: head.dataset.kind, name: head.textContent, cells: rows.map((row) => row.cells[at].dataset) }] : []));
  return { days, shown };
}

function axes(kind, days) {
  const common = { stroke: ink("soft"), grid: { stroke: ink("line"), width: 1 }, ticks: { stroke: ink("line"), width: 1 }, font: "12px system-ui, sans-serif" };
  const sign = kind === "share" ? " %" : "";
  return [{ ...common, splits: (plot) => days.filter((_, at) => at % Math.ceil((days.length * LABEL_PX) / plot.width) === 0), values: (_, at) => at.map(day) }, { ...common, size: 56, ...(kind === "count" ? { splits: (plot) => [0, plot.scales.y.max] } : {}), values: (_, at) => at.map((value) => (Number.isInteger(value) ? `${value}${sign}` : "")) }];
}

function lines(shown) {
  const series = [{}], data = [], bands = [];
  shown.forEach(({ name, cells }, at) => {
    series.push({ label: name, stroke: ink(["blue", "red", "green", "ink"][at % 4]), width: 2, dash: DASHES[at % 4], points: { size: 7 }, spanGaps: true });
    data.push(cells.map((cell) => number(cell.value)));
  });
  if (shown.length === 1) {
    for (const edge of ["high", "low"]) {
      series.push({ label: edge, stroke: "transparent", width: 0, points: { show: false } });
      data.push(shown[0].cells.map((cell) => number(cell[edge])));
    }
    bands.push({ series: [2, 3], fill: `${ink("blue")}33` });
  }
  return { series, data, bands, hooks: shown.length === 1 ? { draw: [intervals] } : {}, scales: { y: { range: [0, 100] } } };
}

function intervals({ ctx, data: [days, , high, low], valToPos }) {
  // A week without neighbours has no band.
  ctx.save();
  ctx.strokeStyle = ink("blue");
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  days.forEach((at, week) => {
    if (high[week] === null) return;
    const x = Math.round(valToPos(at, "x", true));
    ctx.moveTo(x, valToPos(high[week], "y", true));
    ctx.lineTo(x, valToPos(low[week], "y", true));
  });
  ctx.stroke();
  ctx.restore();
}

function bars(shown) {
  const series = [{}, ...shown.map(({ name }) => ({ label: name, stroke: ink("soft"), fill: ink("line"), width: 1, paths: uPlot.paths.bars({ size: [0.7, 48] }), points: { show: false } }))];
  return { series, data: shown.map(({ cells }) => cells.map((cell) => number(cell.value) || null)), bands: [], hooks: {}, scales: { y: { range: (_, __, most) => [0, Math.max(most, 1)] } } };
}

function plot(place, kind, days, shown) {
  const { series, data, bands, hooks, scales } = kind === "share" ? lines(shown) : bars(shown);
  const week = 7 * 86400, x = { time: true, range: [days[0] - week / 2, days.at(-1) + week / 2] };
  const legend = { show: shown.length > 1, live: false };
  new uPlot({ width: place.clientWidth, height: HEIGHTS[kind], tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "UTC"), series, bands, hooks, legend, scales: { x, ...scales }, axes: axes(kind, days), cursor: { show: false } }, [days, ...data], place);
}

function draw(figure) {
  const place = figure.querySelector(".plots"), { days, shown } = columns(figure.querySelector("table.weeks"));
  place.replaceChildren();
  for (const kind of ["share", "count"]) {
    const of = shown.filter((each) => each.kind === kind);
    if (of.length && days.length) plot(place, kind, days, of);
  }
}

for (const figure of document.querySelectorAll("[data-chart]")) {
  let wide = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.round(contentRect.width) !== wide) { wide = Math.round(contentRect.width); draw(figure); }
  }).observe(figure.querySelector(".plots"));
  night.addEventListener("change", () => draw(figure));
}
