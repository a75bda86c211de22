// The map of last looks, dragged and zoomed: each move asks the server for another drawing. Without this script its links do the same.
const WAIT_MS = 150, METRES = 111195;
let timer = 0, asked = 0;
const figure = () => document.getElementById("looks");

async function show(query, focus) {
  const mine = ++asked, address = new URL(query, location.href);
  history.replaceState(null, "", address);
  address.searchParams.set("part", "map");
  const answer = await fetch(address).catch(() => null);
  if (mine !== asked) return;
  if (!answer?.ok || answer.redirected) { location.reload(); return; }
  figure().outerHTML = await answer.text();
  for (const link of document.querySelectorAll("a[data-quality]")) {
    const next = new URL(link.href);
    for (const name of ["lat", "lon", "span"]) next.searchParams.set(name, figure().dataset[name]);
    link.href = next.search;
  }
  if (focus) figure().querySelector(`[data-move=${focus}]`)?.focus();
}

function moved(east, north, zoom) {
  const at = figure().dataset, span = Number(at.span), query = new URL(location.href);
  const lat = Number(at.lat) + north * span / METRES;
  query.searchParams.set("lat", lat.toFixed(6));
  query.searchParams.set("lon", (Number(at.lon) + east * span / METRES / Math.cos(lat * Math.PI / 180)).toFixed(6));
  query.searchParams.set("span", Math.round(span * zoom));
  show(query.search);
}

document.addEventListener("click", (e) => {
  const link = e.target.closest("a[data-move]");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
  e.preventDefault();
  show(link.getAttribute("href"), link.dataset.move);
});

let from = null;
document.addEventListener("pointerdown", (e) => {
  const stage = e.target.closest(".stage-map");
  if (stage && e.isPrimary) { from = [e.clientX, e.clientY]; stage.setPointerCapture(e.pointerId); }
});
document.addEventListener("pointermove", (e) => {
  if (from && e.isPrimary) figure().querySelector("svg").style.translate = `${e.clientX - from[0]}px ${e.clientY - from[1]}px`;
});
document.addEventListener("pointerup", (e) => {
  if (!from || !e.isPrimary) return;
  const [dx, dy] = [e.clientX - from[0], e.clientY - from[1]], wide = figure().querySelector("svg").clientWidth;
  from = null;
  if (Math.hypot(dx, dy) > 4) moved(-dx / wide, dy / wide, 1);
});
document.addEventListener("pointercancel", () => { from = null; figure().querySelector("svg").style.translate = ""; });
document.addEventListener("wheel", (e) => {
  const stage = e.target.closest(".stage-map");
  if (!stage) return;
  e.preventDefault();
  const box = stage.getBoundingClientRect(), zoom = e.deltaY < 0 ? 0.7 : 1 / 0.7;
  // What lies under the pointer stays there.
  const east = ((e.clientX - box.left) / box.width - 0.5) * (1 - zoom), north = ((box.top - e.clientY) + box.height / 2) / box.width * (1 - zoom);
  clearTimeout(timer);
  timer = setTimeout(() => moved(east, north, zoom), WAIT_MS);
}, { passive: false });
