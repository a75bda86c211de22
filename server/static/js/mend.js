// A card's box or place put right: dragged, moved by the arrow keys, or by buttons. What is kept travels with the next confirmation of the card.
const FARTHEST_M = 49.9, SMALLEST_PX = 6, STEP_M = 0.5, STEPS_WIDE = 640, FAR = 10;
const NEAREST = 12, CLOSER = 1.5, RIM = 0.15; // a map comes so many times closer, by steps, and its point stays that share of it away from its rim
const SEEN_PX = 4.2, ROUND_M = [20, 10, 5, 2, 1]; // so far a step goes on the screen where a correction of a place begins; what a map's scale may say
const TAP_PX = 6; // a finger that moves no farther chooses a corner and moves nothing
const POINTERS = ["pointerdown", "pointermove", "pointerup", "pointercancel"];
const ROOM = 0.004; // of the picture's width: a card's box is drawn with this much around the thing (server/review/cards.py)
const within = (value, least, most) => Math.min(most, Math.max(least, value));

class Box {
  constructor(view, handles) {
    const box = view.querySelector(".box"), [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(box.querySelector("rect").getAttribute(name)));
    Object.assign(this, { view, box, width: Number(view.querySelector("img").getAttribute("width")), height: Number(view.querySelector("img").getAttribute("height")) });
    this.room = ROOM * this.width;
    this.sides = [x && x + this.room, y && y + this.room, x + w - (x + w < this.width - 0.1 && this.room), y + h - (y + h < this.height - 0.1 && this.room)];
    this.before = [...this.sides];
    this.step = Math.max(1, Math.round(this.width / STEPS_WIDE));
    this.place = document.createElement("div");
    this.place.className = "handles";
    this.place.append(handles.content.cloneNode(true));
    view.append(this.place);
    for (const name of POINTERS) this.place.addEventListener(name, (e) => this.drag(e));
    this.place.addEventListener("mousedown", (e) => e.preventDefault()); // what is dragged has the focus, which the browser would move on
    this.place.addEventListener("focusin", (e) => this.choose(e.target));
    this.choose(this.place.firstElementChild);
    this.draw();
  }

  get value() { return this.sides; }
  get figure() { return `${Math.round(this.sides[2] - this.sides[0])} × ${Math.round(this.sides[3] - this.sides[1])}`; }
  get stops() { return [...this.place.children]; }
  told(times) { return this.step * times; }

  // The whole or a corner: what the arrows move, by a key or a button.
  choose(chosen) { this.chosen = chosen; for (const each of this.stops) each.classList.toggle("chosen", each === chosen); }

  at(e) {
    const room = this.view.getBoundingClientRect();
    return [(e.clientX - room.left) / room.width * this.width, (e.clientY - room.top) / room.height * this.height];
  }

  drag(e) {
    e.stopPropagation();
    if (e.type === "pointerdown") {
      const { corner } = e.target.dataset;
      if (!corner) return;
      this.held = { corner, from: this.at(e), sides: [...this.sides], isAgain: this.chosen === e.target, at: [e.clientX, e.clientY], far: 0 };
      e.target.focus({ preventScroll: true });
      this.place.setPointerCapture(e.pointerId);
      return;
    }
    if (!this.held) return;
    if (e.type !== "pointermove") { this.letGo(e); return; }
    this.held.far = Math.max(this.held.far, Math.hypot(e.clientX - this.held.at[0], e.clientY - this.held.at[1]));
    const now = this.at(e), far = [now[0] - this.held.from[0], now[1] - this.held.from[1]];
    this.set(this.carried(this.held.corner, far, this.held.sides), this.held.corner === "all");
  }

  // A second tap on a corner chooses the whole again.
  letGo(e) {
    const { far, isAgain, sides } = this.held;
    this.held = null;
    if (e.type === "pointercancel" || far > (e.pointerType === "mouse" ? 0 : TAP_PX)) return;
    this.set(sides, false);
    if (isAgain) this.stops[0].focus({ preventScroll: true });
  }

  // The whole, or by a corner its two sides.
  carried(corner, far, [...sides]) {
    for (const side of corner === "all" ? [0, 1, 2, 3] : corner.split(" ").map(Number)) sides[side] += far[side % 2];
    return sides;
  }

  // A moved box keeps its size at the picture's edge.
  set([x1, y1, x2, y2], isMoved) {
    if (isMoved) {
      const right = within(0, -x1, this.width - x2), down = within(0, -y1, this.height - y2);
      [x1, x2, y1, y2] = [x1 + right, x2 + right, y1 + down, y2 + down];
    }
    const [left, right] = [x1, x2].map((x) => within(x, 0, this.width)).sort((a, b) => a - b), [top, bottom] = [y1, y2].map((y) => within(y, 0, this.height)).sort((a, b) => a - b);
    if (right - left < SMALLEST_PX || bottom - top < SMALLEST_PX) return;
    this.sides = [left, top, right, bottom];
    this.draw();
    this.onMove?.();
  }

  // By keys a corner never passes the one across.
  move(right, down, times) {
    const { corner } = this.chosen.dataset, moved = this.carried(corner, [right, down].map((way) => way * this.step * times), this.sides);
    if (moved[0] < moved[2] && moved[1] < moved[3]) this.set(moved, corner === "all");
  }

  grow(wider, higher, times) { const [x1, y1, x2, y2] = this.sides, dx = wider * this.step * times, dy = higher * this.step * times; this.set([x1 - dx, y1 - dy, x2 + dx, y2 + dy], false); }

  draw() {
    // With the room that a card's box has, so that it stays where it was when a correction begins.
    const drawn = this.roomy(this.sides), [x1, y1, x2, y2] = drawn, share = (value, all) => `${value / all * 100}%`, frame = this.place.querySelector(".frame");
    for (const each of this.place.children) {
      const [x, y] = each === frame ? [0, 1] : each.dataset.corner.split(" "), [left, top] = [x, y].map((side) => Math.round(this.sides[side]));
      for (const [name, value] of [["--x", share(drawn[x], this.width)], ["--y", share(drawn[y], this.height)]]) each.style.setProperty(name, value);
      Object.assign(each, { ariaValueMax: this.width, ariaValueNow: left, ariaValueText: `${left}, ${top}` });
    }
    Object.assign(frame.style, { width: share(x2 - x1, this.width), height: share(y2 - y1, this.height) });
  }

  isOff(first) { return this.sides.some((side, index) => Math.abs(side - first[index]) >= 0.5); }
  put(sides) { this.set(sides, false); }

  roomy(sides) { return [Math.max(0, sides[0] - this.room), Math.max(0, sides[1] - this.room), Math.min(this.width, sides[2] + this.room), Math.min(this.height, sides[3] + this.room)]; }

  // The box of the card shows what was kept, so that a later zoom to it is right.
  show(sides) {
    const [x1, y1, x2, y2] = this.roomy(sides);
    Object.assign(this.box.dataset, { x: x1, y: y1, w: x2 - x1, h: y2 - y1 });
    for (const each of this.box.querySelectorAll("rect")) for (const [name, value] of [["x", x1], ["y", y1], ["width", x2 - x1], ["height", y2 - y1]]) each.setAttribute(name, value);
  }

  keep() { return { box: JSON.stringify(this.sides.map((side) => Math.round(side * 10) / 10)), box_sha256: this.view.dataset.sha256 }; }
  end() { this.place.remove(); }
}

class Place {
  closer = 1; held = new Map();

  constructor(map, card) {
    Object.assign(this, { map, heading: card.querySelector("h1"), point: map.querySelector(".map-case"), error: map.querySelector(".map-error"), perM: Number(map.dataset.perM), lat: Number(card.dataset.lat), lon: Number(card.dataset.lon) });
    this.size = [map.viewBox.baseVal.width, map.viewBox.baseVal.height];
    this.corner = [0, 0];
    this.middle = this.size.map((side) => side / 2);
    this.was = this.point.cloneNode();
    this.was.setAttribute("class", "map-was");
    for (const [axis, name] of ["cx", "cy"].entries()) this.was.setAttribute(name, this.middle[axis]);
    map.insertBefore(this.was, this.point);
    this.marks = new MapMarks(map, this.size);
    this.turned = (this.error.getAttribute("transform") ?? "").replace(/^translate\([^)]*\) ?/, "");
    this.line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    this.line.classList.add("moved");
    map.insertBefore(this.line, this.point);
    this.before = [(this.point.cx.baseVal.value - this.middle[0]) / this.perM, (this.middle[1] - this.point.cy.baseVal.value) / this.perM];
    this.listen = (e) => this.drag(e);
    this.turn = (e) => { e.preventDefault(); this.zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2, this.spot(e.clientX, e.clientY)); };
    for (const name of POINTERS) map.addEventListener(name, this.listen);
    map.addEventListener("wheel", this.turn, { passive: false });
    this.put(this.before);
  }

  get value() { return [this.east, this.north]; }
  get figure() { return `${Math.hypot(this.east, this.north).toFixed(1)}${this.marks.unit}`; }
  get stops() { return [this.heading]; }
  told(times) { return `${STEP_M * times}${this.marks.unit}`; }

  spot(x, y) { const at = new DOMPoint(x, y).matrixTransform(this.map.getScreenCTM().inverse()); return [at.x, at.y]; }

  // One finger carries the point; two bring the map closer, and the point goes back to where the first found it.
  drag(e) {
    if (e.type === "pointerdown") {
      if (!this.held.size) this.found = this.value;
      this.map.setPointerCapture(e.pointerId);
      this.held.set(e.pointerId, [e.clientX, e.clientY]);
      if (this.held.size === 2) this.set(...this.found);
    }
    const before = this.held.get(e.pointerId);
    if (!before) return;
    if (e.type === "pointerup" || e.type === "pointercancel") {
      this.held.delete(e.pointerId);
      this.isPinched = this.isPinched && this.held.size > 0;
      if (!this.held.size) this.follow();
      return;
    }
    const now = [e.clientX, e.clientY];
    this.held.set(e.pointerId, now);
    if (this.held.size === 2) {
      const [, other] = [...this.held].find(([id]) => id !== e.pointerId), far = (p) => Math.max(1, Math.hypot(p[0] - other[0], p[1] - other[1]));
      this.isPinched = true;
      this.zoom(far(now) / far(before), this.spot((now[0] + other[0]) / 2, (now[1] + other[1]) / 2));
    } else if (!this.isPinched) {
      const [x, y] = this.spot(...now);
      this.set((x - this.middle[0]) / this.perM, (this.middle[1] - y) / this.perM);
    }
  }

  set(east, north) {
    const far = Math.hypot(east, north), fit = far > FARTHEST_M ? FARTHEST_M / far : 1;
    Object.assign(this, { east: east * fit, north: north * fit });
    this.draw();
    this.onMove?.();
  }

  put(value) { this.set(...value); this.follow(); }
  move(right, down, times) { const step = STEP_M * times; this.put([this.east + right * step, this.north - down * step]); }
  grow() {}

  get drawn() { return [this.middle[0] + this.east * this.perM, this.middle[1] - this.north * this.perM]; }

  // So close that a step is seen, with all of where the case may be.
  approach() {
    const { rx, ry } = this.error, seen = SEEN_PX / (STEP_M * this.perM * this.map.getScreenCTM().a), whole = Math.min(...this.size) / 2.2 / Math.max(rx.baseVal.value, ry.baseVal.value);
    this.closer = within(Math.min(seen, whole), 1, NEAREST);
    this.corner = this.drawn.map((at, axis) => at - this.size[axis] / this.closer / 2);
    this.draw();
  }

  // Closer, or back to the whole; what is at `spot` stays where it is, else the point.
  zoom(factor, spot = this.drawn) {
    const closer = within(this.closer * factor, 1, NEAREST), change = closer / this.closer;
    this.closer = closer;
    this.corner = closer === 1 ? [0, 0] : this.corner.map((from, axis) => spot[axis] - (spot[axis] - from) / change);
    this.follow();
  }

  // The map goes along with a point that comes near its rim.
  follow() {
    this.corner = this.corner.map((from, axis) => {
      const size = this.size[axis] / this.closer, rim = size * RIM;
      return within(from, this.drawn[axis] - size + rim, this.drawn[axis] - rim);
    });
    this.draw();
  }

  draw() {
    const [x, y] = this.drawn;
    this.point.setAttribute("cx", x); this.point.setAttribute("cy", y);
    this.error.setAttribute("transform", `translate(${x - this.middle[0]} ${y - this.middle[1]}) ${this.turned}`);
    this.line.setAttribute("d", `M${this.middle[0]} ${this.middle[1]}L${x} ${y}`);
    this.marks.draw(this.corner, this.closer);
  }

  isOff() { return Math.hypot(this.east, this.north) >= 0.05; }
  show(value) { this.put(value); }
  keep() { return { lat_deg: (this.lat + this.north / this.map.dataset.mPerLat).toFixed(7), lon_deg: (this.lon + this.east / this.map.dataset.mPerLon).toFixed(7), figure: this.figure }; }

  end() {
    for (const name of POINTERS) this.map.removeEventListener(name, this.listen);
    this.map.removeEventListener("wheel", this.turn);
    this.line.remove(); this.was.remove();
    this.marks.draw([0, 0], 1);
  }
}

// What is drawn on a map as a sign keeps its size when the map comes closer, and its scale and its north keep their corners.
class MapMarks {
  constructor(map, size) {
    const all = (what) => [...map.querySelectorAll(what)], middle = (rect) => [rect.x.baseVal.value + rect.width.baseVal.value / 2, rect.y.baseVal.value + rect.height.baseVal.value / 2];
    Object.assign(this, { map, size, dots: all("circle").map((each) => [each, each.r.baseVal.value]), near: all(".map-near").map((each) => [each, middle(each.querySelector("rect"))]), fixed: all(".map-scale, .map-north, .map-text"), scale: map.querySelector(".map-scale"), bar: map.querySelector(".map-scale + .map-text") });
    this.line = this.scale?.getAttribute("d");
    const told = this.bar?.textContent ?? "";
    this.barM = parseFloat(told); this.unit = told.replace(/^[\d.]+/, "");
  }

  draw([x, y], closer) {
    this.map.setAttribute("viewBox", `${x} ${y} ${this.size[0] / closer} ${this.size[1] / closer}`);
    for (const [dot, radius] of this.dots) dot.setAttribute("r", radius / closer);
    for (const [sign, [atX, atY]] of this.near) sign.setAttribute("transform", `translate(${atX} ${atY}) scale(${1 / closer}) translate(${-atX} ${-atY})`);
    for (const each of this.fixed) each.setAttribute("transform", `translate(${x} ${y}) scale(${1 / closer})`);
    if (!this.bar) return;
    const metres = ROUND_M.find((each) => each * closer <= this.barM + 0.01);
    this.bar.textContent = `${metres}${this.unit}`;
    this.scale.setAttribute("d", this.line.replace(/h([\d.]+)/, (_, wide) => `h${wide * metres * closer / this.barM}`));
  }
}

export class Mend {
  kind = ""; now = null;
  first = new WeakMap(); // card → how its box and its place came

  // `onEnd(kind, kept)`: `kept` are the fields of a verdict, or null where all is as it was.
  constructor(root, panel, onEnd) {
    Object.assign(this, { root, panel, onEnd, isFar: false, far: panel.querySelector("[data-mend=far]") });
    panel.addEventListener("click", (e) => {
      const { step, grow, mend } = e.target.closest("button")?.dataset ?? {};
      if (step) this.step("move", step.split(" ").map(Number), e.shiftKey);
      if (grow) this.step("grow", grow.split(" ").map(Number), e.shiftKey);
      if (mend === "far") { this.isFar = !this.isFar; this.far.setAttribute("aria-pressed", String(this.isFar)); this.say(); }
      if (mend === "back") this.putBack();
      if (mend === "keep") this.stop(true);
      else if (e.detail && this.open) this.focus();
    });
  }

  get open() { return Boolean(this.kind); }

  start(kind, card) {
    const view = card.querySelector(".view"), map = card.querySelector(".map");
    if (kind === "box" ? !view?.querySelector(".box") : !map?.querySelector(".map-case")) return false;
    this.kind = kind;
    this.now = kind === "box" ? new Box(view, this.panel.querySelector("template")) : new Place(map, card);
    if (!this.first.has(card)) this.first.set(card, {});
    this.first.get(card)[kind] ??= kind === "box" ? this.now.before : [0, 0];
    this.card = card;
    this.now.onMove = () => this.say();
    this.root.classList.add(`mending-${kind}`);
    this.panel.classList.add(`mend-${kind}`);
    this.panel.hidden = false;
    // On a phone the picture stays above the map, and all else is away (queue.css).
    const isPhone = matchMedia("(max-width: 900px)").matches;
    if (kind === "place") (isPhone ? card : map).scrollIntoView({ block: isPhone ? "start" : "nearest" });
    this.now.approach?.();
    this.say();
    this.focus();
    return true;
  }

  // Where Enter ends the correction rather than presses a button again.
  focus() { (this.now.chosen ?? this.now.stops[0]).focus({ preventScroll: true }); }

  // Round what is corrected and the panel.
  tab(way) {
    const stops = [...this.now.stops, ...this.panel.querySelectorAll("button")].filter((each) => each.checkVisibility()), at = stops.indexOf(document.activeElement);
    stops.at((Math.max(at, way < 0 ? 0 : -1) + way) % stops.length).focus({ preventScroll: true });
  }

  get came() { return this.first.get(this.card)[this.kind]; }

  // With Shift, or with the button pressed, ten times as far.
  step(deed, way, isShift) { this.now[deed](...way, isShift !== this.isFar ? FAR : 1); }
  say() { for (const each of this.panel.querySelectorAll("[data-told]")) each.textContent = this.now.told(this.isFar ? FAR : 1); this.panel.querySelector("#mend-figure").textContent = this.now.figure; }

  // The map comes closer, or goes away; false if none is being corrected.
  zoom(isCloser) {
    if (this.kind !== "place") return false;
    this.now.zoom(isCloser ? CLOSER : 1 / CLOSER);
    return true;
  }

  // As the card came, and the correction goes on.
  putBack() { this.now.put(this.came); }

  // Whether the key meant something here. One that is held goes on moving, and does nothing else.
  press(e) {
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.code];
    const size = this.kind === "box" && { KeyA: [-1, 0], KeyD: [1, 0], KeyS: [0, -1], KeyW: [0, 1] }[e.code];
    if (e.code === "Tab") { e.preventDefault(); this.tab(e.shiftKey ? -1 : 1); return true; }
    const ends = e.code === "Enter" && !e.target.closest?.("button");
    if (!arrow && !size && (e.repeat || (!ends && e.code !== "Escape"))) return false;
    e.preventDefault();
    if (arrow) this.step("move", arrow, e.shiftKey);
    else if (size) this.step("grow", size, e.shiftKey);
    else if (ends) this.stop(true);
    else if (this.now.isOff(this.came)) this.putBack();
    else this.stop(false);
    return true;
  }

  // Back to how the card came, or as it is now.
  stop(isKept) {
    if (!this.open) return;
    const { kind, now, card, came } = this;
    now.show(isKept ? now.value : came);
    const isOff = isKept && now.isOff(came), kept = isOff ? now.keep() : null;
    card.classList.toggle(`${kind}-put`, isOff);
    now.end();
    this.root.classList.remove(`mending-${kind}`);
    this.panel.classList.remove(`mend-${kind}`);
    this.panel.hidden = true;
    Object.assign(this, { kind: "", now: null, card: null });
    this.onEnd(kind, kept);
  }
}
