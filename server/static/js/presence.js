// Whether anybody is at the page: cards are held for who is there, and for nobody else.
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel"], MEANT = ["keydown", "pointerdown"];

export class Presence {
  last = Date.now();

  // `onMeant()` is called at each key and touch, after what the page itself makes of it.
  constructor(onMeant) {
    for (const name of SIGNS) addEventListener(name, () => { this.last = Date.now(); if (MEANT.includes(name)) setTimeout(onMeant); }, { capture: true, passive: true });
  }

  // Nobody has moved for so long.
  idle(ms) { return Date.now() - this.last > ms; }

  // Nobody is at the page, or the page is in sight of nobody.
  away(ms) { return document.visibilityState !== "visible" || this.idle(ms); }
}
