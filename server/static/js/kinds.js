const letters = (text) => ` ${text.replace(/[^\p{L}\p{N}]+/gu, " ").trim()}`;

// Letters count from where a word begins, so that "tree" finds no street; Chinese has no such place.
export const isNamed = (words, typed) => /^[a-z]/.test(typed) ? letters(words).includes(letters(typed)) : words.includes(typed);

// What a card is if not what was proposed: nine likely categories, all others by typing.
export class Kinds {
  constructor(dialog, onChoice) {
    Object.assign(this, { dialog, onChoice, field: dialog.querySelector("input"), grid: dialog.querySelector(".grid"), none: dialog.querySelector(".none") });
    this.buttons = [...this.grid.children];
    this.field.addEventListener("input", () => this.show());
    this.grid.addEventListener("click", (e) => this.choose(e.target.closest("[data-kind]")));
    dialog.addEventListener("keydown", (e) => this.press(e));
  }

  open(likely) {
    this.likely = likely;
    this.field.value = "";
    this.show();
    this.dialog.showModal();
    if (matchMedia("(pointer: fine)").matches) this.field.focus();
  }

  show() {
    const typed = this.field.value.trim().toLowerCase();
    const found = typed ? this.buttons.filter((each) => isNamed(each.dataset.words, typed)) : this.likely.map((key) => this.buttons.find((each) => each.dataset.kind === key));
    this.shown = found.slice(0, 9);
    this.grid.replaceChildren(...this.shown);
    this.shown.forEach((each, index) => { each.querySelector("kbd").textContent = index + 1; });
    this.none.hidden = this.shown.length > 0;
  }

  press(e) {
    if (e.isComposing || e.repeat || e.ctrlKey || e.altKey || e.metaKey) return;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(e.code)?.[1], chosen = digit ? this.shown[digit - 1] : e.key === "Enter" && e.target === this.field && this.shown[0];
    if (!digit && !chosen) return;
    e.preventDefault();
    this.choose(chosen);
  }

  choose(button) {
    if (!button) return;
    this.dialog.close();
    this.onChoice(button.dataset.kind, button.lastChild.textContent.trim());
  }
}
