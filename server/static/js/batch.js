// Twelve cards of one kind at once: those that look different are taken out, the others get one answer.
import { isPlain } from "./keyboard.js";
import { post } from "./post.js";

const LEAST_MS = 4000, ROOM = 0.35, KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "-", "="];
const CODES = new Map(KEYS.flatMap((key, index) => [[{ "-": "Minus", "=": "Equal" }[key] ?? `Digit${key}`, index], ...(/\d/.test(key) ? [[`Numpad${key}`, index]] : [])]));

export class Batch {
  // `page` does what the queue does with words, counts and troubles; `onEnd` after twelve were answered or let go.
  constructor(dialog, say, page) {
    Object.assign(this, { dialog, say, page, grid: dialog.querySelector(".cells"), why: dialog.querySelector("#batch-why"), all: dialog.querySelector("#batch-all"), none: dialog.querySelector("#batch-none"), wait: dialog.querySelector("#batch-wait") });
    this.grid.addEventListener("click", (e) => this.turn(e.target.closest(".cell")));
    dialog.addEventListener("click", (e) => { const { batch } = e.target.closest("button")?.dataset ?? {}; if (batch) this.send(batch); });
    dialog.addEventListener("keydown", (e) => this.press(e));
    dialog.addEventListener("close", () => this.leave());
  }

  // The next twelve stay away if who answered the last has closed the dialog meanwhile.
  async open(goesOn = false) {
    let response;
    try { response = await post(this.say.batchLease); } catch (trouble) { this.page.warn(trouble); return; }
    const html = response.status === 204 ? "" : await response.text();
    if (goesOn && !this.dialog.open) { this.page.onEnd(); return; }
    this.grid.innerHTML = html;
    this.cells = [...this.grid.querySelectorAll(".cell")];
    this.why.hidden = this.cells.length > 0; this.none.hidden = this.cells.length > 0; this.all.hidden = !this.cells.length;
    if (!this.cells.length) this.why.textContent = decodeURIComponent(response.headers.get("X-Why") ?? "");
    this.batch = this.grid.querySelector("[data-id]")?.dataset ?? {};
    this.dialog.querySelector("h2").textContent = this.batch.title || this.dialog.dataset.title;
    if (!goesOn) this.dialog.showModal();
    if (this.cells.length) this.begin();
  }

  begin() {
    Object.assign(this, { began: performance.now(), decoded: 0, ended: false });
    this.watch = new IntersectionObserver((seen) => { for (const each of seen) if (each.isIntersecting) { each.target.classList.remove("unseen"); this.watch.unobserve(each.target); } this.tell(); }, { root: this.dialog, rootMargin: `0px 0px -${this.dialog.querySelector(".batch-bar").offsetHeight - 20}px`, threshold: 0.9 });
    this.cells.forEach((cell, index) => {
      cell.querySelector("kbd").textContent = KEYS[index];
      cell.classList.add("unseen");
      this.watch.observe(cell);
      this.crop(cell);
    });
    this.timer = setTimeout(() => this.tell(), LEAST_MS + 20);
    this.tell();
  }

  // The thing with a little of what is around it, as large as the cell allows.
  async crop(cell) {
    const picture = cell.querySelector("img"), frame = cell.querySelector(".crop").getBoundingClientRect(), { x, y, w, h } = Object.fromEntries(["x", "y", "w", "h"].map((name) => [name, Number(cell.dataset[name])]));
    const width = Number(picture.getAttribute("width")), height = Number(picture.getAttribute("height"));
    const scale = Math.max(frame.width / width, frame.height / height, Math.min(frame.width / (w * (1 + 2 * ROOM)), frame.height / (h * (1 + 2 * ROOM))));
    const hold = (middle, size, room) => Math.min(0, Math.max(room - size * scale, room / 2 - middle * scale));
    picture.style.width = `${width * scale}px`; picture.style.height = `${height * scale}px`;
    picture.style.left = `${hold(x + w / 2, width, frame.width)}px`; picture.style.top = `${hold(y + h / 2, height, frame.height)}px`;
    try { await picture.decode(); } catch { cell.setAttribute("aria-pressed", "true"); }
    this.decoded += 1;
    this.tell();
  }

  get stop() {
    if (this.decoded < this.cells.length) return "decoding";
    if (this.cells.some((each) => each.classList.contains("unseen"))) return "scroll";
    return performance.now() - this.began < LEAST_MS ? "moment" : "";
  }

  get out() { return this.cells.filter((each) => each.getAttribute("aria-pressed") === "true"); }

  tell() {
    const stop = this.stop, left = this.cells.length - this.out.length;
    this.wait.textContent = stop ? this.wait.dataset[stop] : "";
    for (const each of this.dialog.querySelectorAll("[data-batch]")) { each.setAttribute("aria-disabled", String(Boolean(stop) || !left)); each.querySelector("b").textContent = left; }
  }

  turn(cell) {
    if (!cell) return;
    cell.setAttribute("aria-pressed", String(cell.getAttribute("aria-pressed") !== "true"));
    this.tell();
  }

  press(e) {
    if (!isPlain(e) || !this.cells?.length) return;
    if (CODES.has(e.code)) { e.preventDefault(); this.turn(this.cells[CODES.get(e.code)]); }
    if (["Enter", "NumpadEnter"].includes(e.code) && !e.target.closest("button")) { e.preventDefault(); this.send("confirm"); }
  }

  async send(answer) {
    if (this.stop || this.sending || this.cells.length === this.out.length) return;
    this.sending = true;
    const shown = this.cells.map((each) => each.dataset.case), out = this.out.map((each) => each.dataset.case);
    // A case whose picture is gone has no cell: it is looked at by itself.
    const unseen = this.batch.cases.split(",").filter((each) => !shown.includes(each));
    const fields = { id: this.batch.id, person: this.say.person, cases: this.batch.cases, out: [...out, ...unseen].join(","), answer, shown_ms: Math.round(performance.now() - this.began), ...(answer === "reject" && { reason: this.dialog.querySelector("#batch-reason").value }) };
    try {
      const told = await (await post(this.say.batch, fields)).json();
      this.page.counts(told);
      this.page.live(this.told(answer, this.cells.length - this.out.length));
      this.ended = true;
      this.sending = false;
      this.clear();
      this.dialog.querySelector("h2").focus();
      await this.open(true);
    } catch (trouble) { this.wait.textContent = this.page.warn(trouble); }
    this.sending = false;
  }

  told(answer, cards) {
    const { confirmed, rejected, free, batchLease } = this.say;
    if (answer === "reject") return `${rejected.replace("{why}", this.dialog.querySelector("#batch-reason").selectedOptions[0].text)}: ${cards}`;
    return free && !batchLease.endsWith("shadow") ? free.replace("{what}", `${confirmed}: ${cards}`) : `${confirmed}: ${cards}`;
  }

  clear() {
    clearTimeout(this.timer);
    this.watch?.disconnect();
    this.grid.replaceChildren();
    this.cells = [];
  }

  // What was not answered goes back to the queue.
  leave() {
    this.clear();
    this.page.onEnd();
  }
}
