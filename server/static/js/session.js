// A session that ends: a word before, by any key it goes on; a dialog after, until its person is back.
import { post } from "./post.js";

const WARN_S = 120, LOOK_MS = 3000;

export class Session {
  until = 0; busy = false;

  // `onWarn(isEnding)` shows and hides the word before, `onBack()` sends what waited.
  constructor(address, dialog, onWarn, onBack) {
    Object.assign(this, { address, dialog, onWarn, onBack });
    dialog.addEventListener("cancel", (e) => e.preventDefault());
    setInterval(() => this.look(), LOOK_MS);
    addEventListener("visibilitychange", () => this.look());
    for (const name of ["keydown", "pointerdown"]) addEventListener(name, () => { if (this.isEnding) this.stay(); }, true);
  }

  // Each answer says in how many seconds the session is over.
  heard(response) {
    const left = Number(response.headers.get("X-Session-Ends"));
    if (left > 0) { this.until = Date.now() + 1000 * left; this.look(); }
    if (this.dialog.open && response.ok) { this.dialog.close(); this.onBack(); }
  }

  get isEnding() { return this.until > 0 && this.until - Date.now() < 1000 * WARN_S && !this.dialog.open; }

  over(words) {
    this.dialog.querySelector("#session-waiting").textContent = words;
    if (!this.dialog.open && !document.querySelector("dialog[open]")) this.dialog.showModal();
  }

  look() {
    if (this.warned !== this.isEnding) { this.warned = this.isEnding; this.onWarn(this.warned); }
    if (this.dialog.open && document.visibilityState === "visible") this.ask(true);
  }

  stay() { this.until = 0; this.look(); this.ask(false); }

  async ask(byItself) {
    if (this.busy) return;
    this.busy = true;
    await post(this.address, {}, byItself).catch(() => null);
    this.busy = false;
  }
}
