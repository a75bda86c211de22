// A person's keys: which deed is done by which, and what therefore stands on the buttons.
export const isPlain = (e) => !e.repeat && isFree(e);

// Held down, too.
export const isFree = (e) => !e.isComposing && !e.ctrlKey && !e.altKey && !e.metaKey && !e.target.matches?.("input, select, textarea");

// The digit of a key of either row, else null.
export const digitOf = (e) => /^(?:Digit|Numpad)([1-9])$/.exec(e.code)?.[1] ?? null;

export class Keyboard {
  // `layout`: deed → [place of the key on the keyboard, what stands on it], both "" where there is none.
  constructor(layout) {
    this.layout = layout;
    this.deeds = new Map(Object.entries(layout).filter(([, [code]]) => code).map(([deed, [code]]) => [code, deed]));
    if (this.deeds.size) for (const [code, deed] of [["NumpadAdd", "larger"], ["NumpadSubtract", "smaller"]]) if (!this.deeds.has(code)) this.deeds.set(code, deed);
  }

  deedOf(e) { return this.deeds.get(e.code); }

  label(place) {
    for (const each of place.querySelectorAll("[data-do], kbd[data-key]")) {
      const [code, label] = this.layout[each.dataset.do ?? each.dataset.key] ?? ["", ""], kbd = each.matches("kbd") ? each : each.querySelector("kbd:last-child");
      if (kbd) { kbd.textContent = label; kbd.hidden = !label; }
      if (label && each.dataset.do && each.title) each.title = `${each.title} (${label})`;
      if (code && each.dataset.do) each.setAttribute("aria-keyshortcuts", label.replace("Num ", "").replace("−", "-"));
    }
  }
}
