// Two questions on a card: its note, and which case it is the same as. A dialog each, with what comes of it handed on.
import { digitOf, isPlain } from "./keyboard.js";
import { piece } from "./post.js";

const MOMENT_MS = 400;
const hasKeys = matchMedia("(any-pointer: fine)");

// A dialog that may have been opened out of another one, to which who leaves it without an answer comes back.
class Question {
  constructor(dialog) {
    this.dialog = dialog;
    dialog.addEventListener("close", () => { const back = !this.isAnswered && this.onBack; this.onBack = null; if (back) back(); });
  }

  show(onBack) {
    Object.assign(this, { onBack, isAnswered: false });
    this.dialog.classList.toggle("goes-back", Boolean(onBack));
    this.dialog.showModal();
  }

  end() { this.isAnswered = true; this.dialog.close(); }
}

// Enter sends and Shift + Enter begins a line; on a screen without keys there is the button, and Enter begins a line.
export class Note extends Question {
  constructor(dialog) {
    super(dialog);
    Object.assign(this, { field: dialog.querySelector("textarea"), form: dialog.querySelector("form") });
    this.form.addEventListener("submit", (e) => { e.preventDefault(); this.keep(); });
    dialog.addEventListener("keydown", (e) => { if (e.key === "Enter" && e.target === this.field && !e.isComposing && !e.repeat && (e.ctrlKey || e.metaKey || (hasKeys.matches && !e.shiftKey))) { e.preventDefault(); this.form.requestSubmit(); } });
  }

  // `isReason`: the words are the reason of a rejection, so there must be some.
  open(words, isReason, onKeep, onBack = null) {
    Object.assign(this, { onKeep });
    this.field.value = words; this.field.required = isReason;
    for (const each of this.dialog.querySelectorAll("[data-if]")) each.hidden = (each.dataset.if === "other") !== isReason;
    this.show(onBack);
    this.field.focus();
  }

  keep() {
    const words = this.field.value.trim();
    if (this.field.required && !words) { this.field.value = ""; this.field.reportValidity(); return; }
    this.end();
    this.onKeep(words);
  }
}

// By number too: the server says what that case is, or why it cannot be the same, before anything is answered.
export class Merge extends Question {
  constructor(dialog, address, onChoice) {
    super(dialog);
    Object.assign(this, { address, onChoice, near: dialog.querySelector(".same"), none: dialog.querySelector(".none"), field: dialog.querySelector("input"), found: dialog.querySelector(".found") });
    for (const place of [this.near, this.found]) place.addEventListener("click", (e) => this.choose(e.target.closest("[data-number]:enabled")?.dataset.number));
    dialog.querySelector("form").addEventListener("submit", (e) => { e.preventDefault(); this.ask(this.field.value.trim()); });
    this.field.addEventListener("input", () => { clearTimeout(this.timer); this.found.replaceChildren(); });
    for (const kind of ["keydown", "keyup"]) dialog.addEventListener(kind, (e) => { if (e.key === "Enter") this.isHeld = kind === "keydown"; }, true);
    dialog.addEventListener("keydown", (e) => {
      // A digit chooses what stands here, and is a number's only in its field, which is entered on purpose.
      const wanted = isPlain(e) && (e.code === "KeyN" ? this.field : this.near.children[digitOf(e) - 1]);
      if (!wanted) return;
      e.preventDefault();
      if (wanted === this.field) this.field.focus(); else if (!wanted.disabled) this.choose(wanted.dataset.number);
    });
  }

  // The neighbours are those of the card, with their pictures.
  open(card, onBack = null, elsewhere = new Set()) {
    Object.assign(this, { card, isHeld: false });
    clearTimeout(this.timer);
    this.field.value = "";
    this.found.replaceChildren();
    this.near.replaceChildren(...[...card.querySelectorAll(".near [data-merge]")].map((each, index) => this.choice(each.cloneNode(true), index + 1)));
    for (const each of this.near.children) if (elsewhere.has(each.dataset.number)) this.close(each);
    this.none.hidden = this.near.children.length > 0;
    this.dialog.querySelector(".how-far").hidden = !this.none.hidden;
    this.show(onBack);
  }

  choice(button, key) {
    const kbd = button.querySelector("kbd:last-child");
    button.dataset.number = button.dataset.merge; delete button.dataset.merge;
    kbd.textContent = key; kbd.hidden = !key;
    button.querySelector("[data-told=case]").remove();
    button.querySelector("[data-told=deed]").hidden = false;
    return button;
  }

  // Its place and digit stay, since the card's own list and map have them.
  close(button) {
    button.disabled = true;
    button.querySelector("[data-told=deed]").after(` · ${this.near.dataset.closed}`);
  }

  async ask(number) {
    clearTimeout(this.timer);
    const told = document.createElement("template");
    try { told.innerHTML = await piece(`${this.address}?${new URLSearchParams({ case: this.card.dataset.case, number })}`); } catch (trouble) {
      told.content.append(Object.assign(document.createElement("p"), { className: "alarm", textContent: trouble.sentence || this.found.dataset.offline }));
      told.content.firstChild.setAttribute("role", "alert");
    }
    if (this.field.value.trim() !== number) return;
    this.found.replaceChildren(told.content);
    const button = this.found.querySelector("[data-merge]");
    if (button) this.focusSoon(this.choice(button, "Enter"));
  }

  // The Enter that asked must not choose too, however often or long it is pressed.
  focusSoon(button) {
    const isAsking = () => !document.activeElement || document.activeElement === document.body || document.activeElement.form === this.field.form;
    this.timer = setTimeout(() => { if (this.isHeld) this.focusSoon(button); else if (button.isConnected && isAsking()) button.focus(); }, MOMENT_MS);
  }

  choose(number) {
    if (!number) return;
    this.end();
    this.onChoice(number);
  }
}
