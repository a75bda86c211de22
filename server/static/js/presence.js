// Whether anybody is at the page: cards are held for who is there, and for nobody else.
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel"], MEANT = ["keydown", "pointerdown"], KEPT = "trikeye-last-sign", KEEP_MS = 5000;

export class Presence {
  last = Date.now(); kept = 0;

  // `onMeant()` is called at each key and touch, after what the page itself makes of it.
  constructor(onMeant) {
    for (const name of SIGNS) addEventListener(name, () => { this.last = Date.now(); this.keep(); if (MEANT.includes(name)) setTimeout(onMeant); }, { capture: true, passive: true });
  }

  // Nobody has moved for so long.
  idle(ms) { return Date.now() - this.last > ms; }

  // For the other pages of this browser: who is at one of them holds the cards of all.
  keep() {
    if (this.last - this.kept < KEEP_MS) return;
    this.kept = this.last;
    try { localStorage.setItem(KEPT, this.last); } catch { /* nothing may be kept here: each page is on its own */ }
  }

  idleEverywhere(ms) {
    let elsewhere = 0;
    try { elsewhere = Number(localStorage.getItem(KEPT)); } catch { /* as above */ }
    return this.idle(ms) && Date.now() - elsewhere > ms;
  }

  // Nobody is at the page, or the page is in sight of nobody.
  away(ms) { return document.visibilityState !== "visible" || this.idle(ms); }
}
