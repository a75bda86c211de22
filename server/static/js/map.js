// The map of cases that moves, in the place of the drawn one where the browser can (WebGL 2). Everything comes from this server; there are no tiles, and no letters but drawn ones.
const figure = document.getElementById("map"), stage = figure.querySelector(".map-stage"), saidLine = document.getElementById("map-said"), told = figure.dataset;
const WAIT_MS = 120, MARK_PX = { wide: 30, high: 26 }, LETTERS_PX = { wide: 28, high: 14 }, LETTERS_Y = 21, ROOM_PX = 16, RATIO = 2;
const MOVES = { north: [0, -0.3], south: [0, 0.3], west: [-0.3, 0], east: [0.3, 0] };
const GROUPS = ["clusters", "heaps"], FADED = 0.3, WAITS = "…";
const PRESSED = ["spots", "clusters", "heaps", "letters"];
const EMPTY = { type: "FeatureCollection", features: [] };
let map, asked = 0, timer = 0, roadsBox = null, shownNow = null, stands = "", isFitting = false, isMoved = false, isWaiting = false, shownZoom = 0;

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const boxOf = (text) => text.split(",").map(Number);
const canDraw = () => Boolean(document.createElement("canvas").getContext("webgl2"));

// On a phone the map is seen at once: what is asked for stands in one line, which opens.
document.getElementById("filters").open = !matchMedia("(max-width: 760px)").matches;

// Marks, drawn once each: the shape tells the state, the letters under it the category.
function painter(width, height = width) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * RATIO, height * RATIO];
  const pen = canvas.getContext("2d");
  pen.scale(RATIO, RATIO);
  pen.translate(width / 2, height / 2);
  pen.textAlign = "center"; pen.textBaseline = "middle"; pen.lineJoin = "round"; pen.lineCap = "round";
  return { pen, image: () => pen.getImageData(0, 0, canvas.width, canvas.height) };
}

const letters = (pen, text, size, colour, rim = "") => {
  pen.font = `600 ${size}px system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif`;
  if (rim) { pen.lineWidth = 3; pen.strokeStyle = rim; pen.strokeText(text, 0, 0.5); } // on whatever ground
  pen.fillStyle = colour;
  pen.fillText(text, 0, 0.5);
};

function outlined(pen, fill, stroke) {
  pen.fillStyle = fill; pen.strokeStyle = stroke; pen.lineWidth = 2;
  pen.fill(); pen.stroke();
}

const drawn = {
  open(pen) { pen.beginPath(); pen.arc(0, 0, 10, 0, 7); outlined(pen, ink("ground"), ink("red")); },
  city(pen) { pen.beginPath(); pen.rect(-9, -9, 18, 18); outlined(pen, ink("blue"), ink("ground")); },
  fixed(pen) { for (const [width, colour] of [[8, ink("ground")], [4, ink("green")]]) { pen.lineWidth = width; pen.strokeStyle = colour; pen.beginPath(); pen.moveTo(-11, -1); pen.lineTo(-3, 7); pen.lineTo(11, -9); pen.stroke(); } },
  back(pen) { pen.beginPath(); pen.moveTo(0, -12); pen.lineTo(11, 8); pen.lineTo(-11, 8); pen.closePath(); outlined(pen, ink("ground"), ink("red")); },
  closed(pen) { pen.lineWidth = 3; pen.strokeStyle = ink("soft"); pen.beginPath(); for (const side of [-1, 1]) { pen.moveTo(-8 * side, -8); pen.lineTo(8 * side, 8); } pen.stroke(); },
};

function mark(shape) {
  const { pen, image } = painter(MARK_PX.wide, MARK_PX.high);
  drawn[shape](pen);
  return image();
}

function under(glyph) {
  const { pen, image } = painter(LETTERS_PX.wide, LETTERS_PX.high);
  letters(pen, glyph, 11, ink("ink"), ink("ground"));
  return image();
}

const short = (number) => number < 1000 ? String(number) : number < 10000 ? `${(number / 1000).toFixed(1)}k` : `${Math.floor(number / 1000)}k`;

function heap(text) {
  const cases = text.endsWith("k") ? parseFloat(text) * 1000 : Number(text), radius = 13 + 4 * Math.log10(Math.max(cases, 1)), { pen, image } = painter(Math.ceil(radius) * 2 + 4);
  pen.beginPath(); pen.arc(0, 0, radius, 0, 7);
  outlined(pen, ink("ink"), ink("ground"));
  letters(pen, text, 14, ink("ground"));
  return image();
}

function imageOf(id) {
  const [kind, text] = id.split("|");
  return kind === "heap" ? heap(text) : kind === "letters" ? under(text) : mark(kind);
}

// What is wide_m on the ground is `px` wide at zoom 20, and half of that at each zoom farther.
const groundWide = (times) => ["interpolate", ["exponential", 2], ["zoom"], 8, ["max", 2, ["/", ["*", times, ["get", "px"]], 4096]], 20, ["*", times, ["get", "px"]]];
const pxAt20 = (wide_m, lat) => wide_m * 2 ** 20 / (78271.517 * Math.cos(lat * Math.PI / 180));

const style = () => ({
  version: 8,
  transition: { duration: 0, delay: 0 },
  sources: { roads: { type: "geojson", data: EMPTY }, cases: { type: "geojson", data: EMPTY, cluster: true, clusterRadius: 36, clusterMaxZoom: 17 }, heaps: { type: "geojson", data: EMPTY } },
  layers: [
    { id: "ground", type: "background", paint: { "background-color": ink("tint") } },
    { id: "seen-alone", type: "circle", source: "roads", filter: ["all", ["==", ["get", "kind"], "seen"], ["==", ["geometry-type"], "Point"]], paint: { "circle-color": ink("line"), "circle-radius": groundWide(0.5) } },
    { id: "seen", type: "line", source: "roads", layout: { "line-cap": "round", "line-join": "round" }, filter: ["all", ["==", ["get", "kind"], "seen"], ["==", ["geometry-type"], "LineString"]], paint: { "line-color": ink("line"), "line-width": groundWide(1) } },
    { id: "road-edge", type: "line", source: "roads", layout: { "line-cap": "round", "line-join": "round" }, filter: ["==", ["get", "kind"], "road"], paint: { "line-color": ink("line"), "line-width": ["interpolate", ["linear"], ["zoom"], 10, 1.5, 14, 5, 18, 18] } },
    { id: "road", type: "line", source: "roads", layout: { "line-cap": "round", "line-join": "round" }, filter: ["==", ["get", "kind"], "road"], paint: { "line-color": ink("ground"), "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.5, 14, 3, 18, 14] } },
    // Marks are laid down first, being above; letters that would lie on one of them, or on others, are left out.
    { id: "letters", type: "symbol", source: "cases", filter: ["!", ["has", "point_count"]], layout: { "icon-image": ["concat", "letters|", ["get", "glyph"]], "icon-offset": [0, LETTERS_Y], "icon-padding": 0 } },
    { id: "heaps", type: "symbol", source: "heaps", layout: { "icon-image": ["concat", "heap|", ["get", "short"]], "icon-allow-overlap": true } },
    { id: "clusters", type: "symbol", source: "cases", filter: ["has", "point_count"], layout: { "icon-image": ["concat", "heap|", ["to-string", ["get", "point_count_abbreviated"]]], "icon-allow-overlap": true } },
    { id: "spots", type: "symbol", source: "cases", filter: ["!", ["has", "point_count"]], layout: { "icon-image": ["get", "shape"], "icon-allow-overlap": true, "icon-padding": 0 } },
  ],
});

// What is asked of the server: a little more than is seen, so that a small move shows something at once.
function boxSeen() {
  const at = map.getBounds(), wide = at.getEast() - at.getWest(), high = at.getNorth() - at.getSouth();
  const within = (value, most) => Math.min(Math.max(value, -most), most);
  return [within(at.getWest() - wide * 0.1, 180), within(at.getSouth() - high * 0.1, 85), within(at.getEast() + wide * 0.1, 180), within(at.getNorth() + high * 0.1, 85)];
}

async function asJson(address, box) {
  const answer = await fetch(`${address}?${told.query ? told.query + "&" : ""}bbox=${box.map((edge) => edge.toFixed(5)).join(",")}`, { headers: { accept: "application/json" } });
  if (answer.redirected) location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// Which letters in sight stand for which category.
function tellLetters(lettered) {
  const pairs = [...new Map(lettered.map(({ glyph, category }) => [glyph, shownNow.names[category]]))].sort(([one], [other]) => one < other ? -1 : 1);
  document.getElementById("letters").replaceChildren(...pairs.map(([glyph, name]) => {
    const line = document.createElement("li"), letters = document.createElement("b");
    letters.textContent = glyph;
    line.append(letters, ` ${name}`);
    return line;
  }));
  document.getElementById("letters-say").hidden = pairs.length === 0;
}

// Each of a layer's marks that are in sight, once.
function marksOf(layer, key) {
  const at = map.getBounds(), found = map.queryRenderedFeatures({ layers: [layer] }).filter(({ geometry }) => at.contains(geometry.coordinates));
  return [...new Map(found.map(({ properties }) => [key(properties), properties])).values()];
}

// Closer, groups come apart: until it is known into what, their old numbers stand back, and no sum is told.
function waits() {
  if (isWaiting || !shownNow || map.getZoom() < shownZoom + 0.01) return;
  isWaiting = true;
  saidLine.textContent = WAITS;
  for (const layer of GROUPS) map.setPaintProperty(layer, "icon-opacity", FADED);
}

function waitsNoMore() {
  isWaiting = false;
  for (const layer of GROUPS) map.setPaintProperty(layer, "icon-opacity", 1);
}

// How many cases the marks in sight stand for, as soon as all of them are drawn.
function tellSum() {
  if (!shownNow || isWaiting) return;
  shownZoom = map.getZoom();
  stage.querySelector(".map-ground-live").classList.remove("waits");
  stage.querySelector(".map-drawn").hidden = true;
  const single = marksOf("spots", ({ city, number }) => `${city} ${number}`), groups = marksOf("clusters", (each) => each.cluster_id);
  const at = map.getBounds(), heaps = shownNow.counted ? shownNow.features.filter(({ geometry }) => at.contains(geometry.coordinates)) : [];
  const cases = single.length + [...groups.map((each) => each.point_count), ...heaps.map((each) => each.properties.cases)].reduce((sum, each) => sum + each, 0);
  const words = cases === 0 ? told.none : shownNow.counted ? told.counted : !groups.length ? told.single : single.length ? told.grouped : told.together;
  const line = words.replace("{cases}", cases).replace("{together}", cases - single.length).replace("{groups}", groups.length);
  const said = shownNow.frame.replace("{said}", line);
  if (saidLine.textContent !== said) saidLine.textContent = said;
  const lettered = marksOf("letters", ({ city, number }) => `${city} ${number}`);
  figure.dataset.letters = lettered.length;
  tellLetters(lettered);
}

async function showCases() {
  const mine = ++asked, box = boxSeen();
  try {
    const found = await asJson(told.cases, box);
    if (mine !== asked) return;
    for (const each of found.features) {
      if (found.counted) each.properties.short = short(each.properties.cases);
      else each.properties.glyph = found.glyphs[each.properties.category] ?? "?";
    }
    map.getSource(found.counted ? "heaps" : "cases").setData(found);
    map.getSource(found.counted ? "cases" : "heaps").setData(EMPTY);
    shownNow = found;
    if (isWaiting) waitsNoMore();
    figure.dataset.shown = found.total;
  } catch { if (mine === asked) { if (isWaiting) waitsNoMore(); shownNow = null; saidLine.textContent = told.lost; } }
  const inside = roadsBox && box[0] >= roadsBox[0] && box[1] >= roadsBox[1] && box[2] <= roadsBox[2] && box[3] <= roadsBox[3];
  if (inside && (roadsBox[2] - roadsBox[0]) < 2 * (box[2] - box[0])) return;
  const roads = await asJson(told.roads, box).catch(() => null);
  if (roads && mine === asked) {
    roadsBox = box;
    for (const each of roads.features) each.properties.px = pxAt20(each.properties.wide_m, (box[1] + box[3]) / 2);
    map.getSource("roads").setData(roads);
  }
}

const standing = () => [...map.getCenter().toArray(), map.getZoom()].join();

// The box of the address, and no more of what lies around it than the window needs.
function fit() {
  const [west, south, east, north] = boxOf(told.box);
  isFitting = true;
  map.fitBounds([[west, south], [east, north]], { animate: false, padding: told.given ? 0 : ROOM_PX });
  isFitting = false;
  stands = standing();
}

// An address stays as it was copied until a person moves the map; another size of the window does not.
function moved() {
  clearTimeout(timer);
  timer = setTimeout(showCases, WAIT_MS);
  if (isFitting || standing() === stands) return;
  [isMoved, stands] = [true, standing()];
  const at = map.getBounds(), box = [at.getWest(), at.getSouth(), at.getEast(), at.getNorth()].map((edge) => edge.toFixed(6)).join(",");
  history.replaceState(null, "", `?${told.query ? told.query + "&" : ""}bbox=${box}`);
}

// The panel on one case.
function closePeek(focus = true) {
  stage.querySelector(".map-peek")?.remove();
  if (focus) map.getCanvas().focus();
}

async function peek(spot) {
  const address = new URL(told.peek.replace("/0/", `/${spot.number}/`), location.href);
  if (spot.city) address.searchParams.set("city", spot.city);
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) { saidLine.textContent = told.lost; return; }
  closePeek(false);
  const panel = document.createElement("aside"), close = document.createElement("button");
  panel.className = "map-peek";
  panel.innerHTML = await answer.text();
  close.type = "button"; close.className = "map-peek-close"; close.textContent = "×"; close.setAttribute("aria-label", told.close);
  close.addEventListener("click", () => closePeek());
  panel.append(close);
  panel.addEventListener("keydown", (e) => { if (e.key === "Escape") closePeek(); });
  stage.append(panel);
  panel.querySelector("a")?.focus();
}

async function pressed(e) {
  const [hit] = map.queryRenderedFeatures(e.point, { layers: PRESSED });
  if (!hit) return closePeek(false);
  if (hit.layer.id === "spots" || hit.layer.id === "letters") return peek(hit.properties);
  const closer = hit.layer.id === "clusters" ? await map.getSource("cases").getClusterExpansionZoom(hit.properties.cluster_id) : map.getZoom() + 2;
  map.easeTo({ center: hit.geometry.coordinates, zoom: closer });
}

// The drawn map is seen first, and is pressed like the other one: a group leads closer, a case opens its panel.
function pressedDrawn(e) {
  const link = e.target.closest("a");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
  const to = new URL(link.href.baseVal ?? link.href, location.href), number = to.pathname.match(/\/(\d+)\/$/)?.[1];
  e.preventDefault();
  if (number) { peek({ number, city: to.searchParams.get("city") }); return; }
  const [west, south, east, north] = boxOf(to.searchParams.get("bbox"));
  isMoved = true;
  saidLine.textContent = WAITS;
  map.fitBounds([[west, south], [east, north]], { animate: false });
}

// Nothing turns this map.
const north = {
  onAdd() {
    const at = Object.assign(document.createElement("div"), { className: "maplibregl-ctrl map-north-mark" });
    at.innerHTML = '<svg viewBox="-8 -11 16 24" width="13" height="20" aria-hidden="true"><path d="M-7 12L0 -10L7 12L0 7z"/></svg>';
    at.append(told.north);
    return at;
  },
  onRemove() {},
};

function byButtons() {
  figure.querySelector(".moves").addEventListener("click", (e) => {
    const move = e.target.closest("a[data-move]")?.dataset.move;
    if (!move || move === "whole" || e.ctrlKey || e.metaKey || e.shiftKey) return;
    e.preventDefault();
    if (MOVES[move]) map.panBy([MOVES[move][0] * stage.clientWidth, MOVES[move][1] * stage.clientHeight]);
    else map.zoomTo(map.getZoom() + (move === "closer" ? 1 : -1));
  });
}

async function begin() {
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: told.style });
  document.head.append(sheet);
  const library = await import(told.library);
  library.setWorkerUrl(new URL(told.worker, location.href).href);
  const ground = document.createElement("div");
  ground.className = "map-ground-live waits"; // unseen over the drawn map, until there is something on it
  stage.append(ground);
  figure.dataset.live = "true";
  map = new library.Map({ container: ground, style: style(), attributionControl: false, fadeDuration: 0, dragRotate: false, pitchWithRotate: false, touchPitch: false, renderWorldCopies: false, maxZoom: 20, locale: { "Map.Title": told.name, "ScaleControl.Meters": told.metres, "ScaleControl.Kilometers": told.kilometres } });
  map.addControl(north, "bottom-left");
  map.addControl(new library.ScaleControl({ maxWidth: 120 }), "bottom-left");
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.setMissingStyleImageResolver((id) => { map.addImage(id, imageOf(id), { pixelRatio: RATIO }); });
  fit();
  map.on("resize", () => { if (!isMoved) fit(); });
  map.on("click", pressed);
  for (const layer of PRESSED) {
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
  stage.querySelector(".map-drawn").addEventListener("click", pressedDrawn);
  map.on("load", async () => {
    map.on("moveend", moved);
    map.on("zoom", waits);
    map.on("idle", tellSum);
    if (isMoved) moved();
    await showCases();
    map.triggerRepaint();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { roadsBox = null; map.setStyle(style(), { diff: false }); map.once("styledata", showCases); });
  byButtons();
}

if (canDraw()) begin().catch(() => { delete figure.dataset.live; stage.querySelector(".map-ground-live")?.remove(); });
