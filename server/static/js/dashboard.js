// Draws the days of the overview out of their table, which stays the one source of the figures.
import uPlot from "../vendor/uplot/uPlot.esm.js";

const DASHES = [[], [8, 4], [2, 3]], INKS = ["blue", "red", "green"], HEIGHT_PX = 200, LABEL_PX = 56;
const night = matchMedia("(prefers-color-scheme: dark)");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(5, 10);

function draw(figure) {
  const place = figure.querySelector(".plots"), table = figure.querySelector("details table"), rows = [...table.tBodies[0].rows];
  const days = rows.map((row) => Date.parse(`${row.cells[0].dataset.day}T00:00Z`) / 1000);
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const axis = { stroke: ink("soft"), grid: { stroke: ink("line"), width: 1 }, ticks: { stroke: ink("line"), width: 1 }, font: "12px system-ui, sans-serif" };
  const series = [{}, ...names.map((label, at) => ({ label, stroke: ink(INKS[at]), width: 2, dash: DASHES[at], points: { size: 5 } }))];
  const every = (plot) => Math.ceil((days.length * LABEL_PX) / plot.width);
  place.replaceChildren();
  new uPlot({
    width: place.clientWidth, height: HEIGHT_PX, tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "UTC"), series, cursor: { show: false }, legend: { live: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(most, 4) * 1.05] } },
    axes: [{ ...axis, splits: (plot) => days.filter((_, at) => (days.length - 1 - at) % every(plot) === 0), values: (_, at) => at.map(day) }, { ...axis, size: 52, values: (_, at) => at.map((value) => (Number.isInteger(value) ? value : "")) }],
  }, [days, ...names.map((_, at) => rows.map((row) => Number(row.cells[at + 1].textContent)))], place);
}

for (const figure of document.querySelectorAll("[data-days]")) {
  let wide = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.round(contentRect.width) !== wide) { wide = Math.round(contentRect.width); draw(figure); }
  }).observe(figure.querySelector(".plots"));
  night.addEventListener("change", () => draw(figure));
}
