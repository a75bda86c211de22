const letters = (text) => ` ${text.replace(/[^\p{L}\p{N}]+/gu, " ").trim()}`;

// Letters count from where a word begins, so that "tree" finds no street; Chinese has no such place.
export const isNamed = (words, typed) => /^[a-z]/.test(typed) ? letters(words).includes(letters(typed)) : words.includes(typed);

// What a card is if not what was proposed: the nine likeliest categories, others by typing, or all of them to look through.
export class Kinds {
  constructor(dialog, onChoice) {
    Object.assign(this, { dialog, onChoice, field: dialog.querySelector("input"), grid: dialog.querySelector(".grid"), which: dialog.querySelector(".which p"), all: dialog.querySelector(".which button") });
    this.buttons = [...this.grid.children];
    this.field.addEventListener("input", () => this.show());
    this.all.addEventListener("click", () => { this.field.value = ""; this.show(!this.isAll); });
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

  show(isAll = false) {
    const typed = this.field.value.trim().toLowerCase();
    this.isAll = isAll;
    this.shown = typed ? this.buttons.filter((each) => isNamed(each.dataset.words, typed)) : isAll ? this.buttons : this.likely.map((key) => this.buttons.find((each) => each.dataset.kind === key));
    this.grid.replaceChildren(...this.shown);
    this.grid.scrollTop = 0;
    this.shown.forEach((each, index) => { each.querySelector("kbd").textContent = index < 9 ? index + 1 : ""; });
    this.which.textContent = this.which.dataset[!typed ? (isAll ? "all" : "likely") : this.shown.length ? "found" : "none"].replace("{found}", this.shown.length);
    this.all.textContent = this.all.dataset[isAll ? "few" : "many"];
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
    this.onChoice(button.dataset.kind, button.querySelector("b").textContent);
  }
}
