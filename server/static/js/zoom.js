// One picture fitted into the stage, however large that is, and zoomed at the pointer.
let mouse = null;
addEventListener("pointermove", (e) => { mouse = e.pointerType === "mouse" ? [e.clientX, e.clientY] : null; });

export class Zoom {
  scale = 1; x = 0; y = 0; onBox = false;

  constructor(stage) {
    this.stage = stage;
    this.pointers = new Map();
    new ResizeObserver(() => { if (this.view && stage.clientWidth) this.show(this.view); }).observe(stage);
    stage.addEventListener("wheel", (e) => { e.preventDefault(); this.by(e.deltaY < 0 ? 1.2 : 1 / 1.2, e.clientX, e.clientY); }, { passive: false });
    stage.addEventListener("dblclick", (e) => { e.preventDefault(); this.toggleBox(); });
    stage.addEventListener("pointerdown", (e) => { if (e.target.closest("button")) return; this.pointers.set(e.pointerId, [e.clientX, e.clientY]); stage.setPointerCapture(e.pointerId); });
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (e) => this.pointers.delete(e.pointerId));
    stage.addEventListener("pointermove", (e) => this.drag(e));
    for (const kind of ["focusin", "keyup"]) stage.addEventListener(kind, (e) => { if (e.target.matches(".handle")) this.see(e.target); });
  }

  show(view) {
    this.view = view;
    const picture = view.querySelector("img"), room = this.stage.getBoundingClientRect();
    const fit = Math.min(room.width / picture.getAttribute("width"), room.height / picture.getAttribute("height"));
    this.width = picture.getAttribute("width") * fit; this.height = picture.getAttribute("height") * fit; this.fit = fit;
    view.style.width = `${this.width}px`; view.style.height = `${this.height}px`;
    if (this.onBox) this.toBox(); else this.draw();
  }

  toggleBox() { this.onBox = !this.onBox; if (this.onBox) this.toBox(); else { this.scale = 1; this.x = this.y = 0; this.draw(); } }

  toBox() {
    const box = this.view.querySelector(".box");
    if (!box) { this.scale = 1; this.x = this.y = 0; this.draw(); return; }
    const { x, y, w, h } = Object.fromEntries(["x", "y", "w", "h"].map((k) => [k, box.dataset[k] * this.fit]));
    this.scale = Math.max(1, Math.min(6, 0.55 * this.width / w, 0.55 * this.height / h));
    this.x = this.width / 2 - (x + w / 2) * this.scale; this.y = this.height / 2 - (y + h / 2) * this.scale;
    this.draw();
  }

  // What stays where it is while a button or a key zooms: what is under the mouse, else the box's middle, else the stage's.
  still() {
    if (mouse && this.stage.contains(document.elementFromPoint(...mouse))) return mouse;
    const box = this.view.querySelector(".box .outer") ?? this.stage, room = box.getBoundingClientRect();
    return [room.left + room.width / 2, room.top + room.height / 2];
  }

  by(factor, ...client) {
    if (!this.view) return;
    const room = this.stage.getBoundingClientRect(), [clientX, clientY] = client.length ? client : this.still();
    const cx = clientX - room.left - (room.width - this.width) / 2, cy = clientY - room.top - (room.height - this.height) / 2;
    const next = Math.max(1, Math.min(8, this.scale * factor)), change = next / this.scale;
    this.x = cx - (cx - this.x) * change; this.y = cy - (cy - this.y) * change; this.scale = next;
    if (next === 1) { this.x = this.y = 0; this.onBox = false; }
    this.draw();
  }

  drag(e) {
    const before = this.pointers.get(e.pointerId);
    if (!before) return;
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
      const far = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      this.by(far([e.clientX, e.clientY]) / Math.max(far(before), 1), (e.clientX + other[0]) / 2, (e.clientY + other[1]) / 2);
    } else if (this.scale > 1) { this.x += e.clientX - before[0]; this.y += e.clientY - before[1]; this.draw(); }
    this.pointers.set(e.pointerId, [e.clientX, e.clientY]);
  }

  // A corner that is chosen or moved by a key comes into sight.
  see(corner) {
    const room = this.stage.getBoundingClientRect(), at = corner.getBoundingClientRect();
    this.x += Math.max(0, room.left - at.left) - Math.max(0, at.right - room.right);
    this.y += Math.max(0, room.top - at.top) - Math.max(0, at.bottom - room.bottom);
    this.draw();
  }

  // The picture stays in the middle while it is smaller than the stage, and covers the stage once it is larger.
  hold(offset, size, room) {
    const gap = (room - size) / 2, grown = size * this.scale;
    return grown <= room ? (size - grown) / 2 : Math.min(-gap, Math.max(room - gap - grown, offset));
  }

  draw() {
    if (!this.view) return;
    const room = this.stage.getBoundingClientRect();
    this.x = this.hold(this.x, this.width, room.width); this.y = this.hold(this.y, this.height, room.height);
    this.view.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.view.style.setProperty("--scale", this.scale);
  }
}
