// Two questions on a card: its note, and which case it is the same as. A dialog each, with what comes of it handed on.
import { digitOf, isPlain } from "./keyboard.js";

export class Note {
  constructor(dialog) {
    Object.assign(this, { dialog, field: dialog.querySelector("textarea"), form: dialog.querySelector("form") });
    this.form.addEventListener("submit", (e) => { e.preventDefault(); this.keep(); });
    dialog.addEventListener("keydown", (e) => { if (e.code === "Enter" && (e.ctrlKey || e.metaKey) && !e.isComposing) { e.preventDefault(); this.form.requestSubmit(); } });
  }

  // `isReason`: the words are the reason of a rejection, so there must be some.
  open(words, isReason, onKeep) {
    Object.assign(this, { onKeep });
    this.field.value = words; this.field.required = isReason;
    for (const each of this.dialog.querySelectorAll("[data-if]")) each.hidden = (each.dataset.if === "other") !== isReason;
    this.dialog.showModal();
    this.field.focus();
  }

  keep() {
    const words = this.field.value.trim();
    if (this.field.required && !words) { this.field.value = ""; this.field.reportValidity(); return; }
    this.dialog.close();
    this.onKeep(words);
  }
}

export class Merge {
  constructor(dialog, onChoice) {
    Object.assign(this, { dialog, onChoice, near: dialog.querySelector(".same"), none: dialog.querySelector(".none"), field: dialog.querySelector("input") });
    this.near.addEventListener("click", (e) => this.choose(e.target.closest("[data-number]")?.dataset.number));
    dialog.querySelector("form").addEventListener("submit", (e) => { e.preventDefault(); this.choose(this.field.value.trim()); });
    dialog.addEventListener("keydown", (e) => {
      const wanted = isPlain(e) && digitOf(e) && this.near.children[digitOf(e) - 1];
      if (wanted) { e.preventDefault(); this.choose(wanted.dataset.number); }
    });
  }

  // The neighbours are those of the card, with their pictures.
  open(card) {
    this.field.value = "";
    this.near.replaceChildren(...[...card.querySelectorAll(".near [data-merge]")].map((each, index) => {
      const copy = each.cloneNode(true);
      copy.dataset.number = each.dataset.merge; delete copy.dataset.merge;
      copy.querySelector("kbd").textContent = index + 1;
      copy.querySelector("kbd").hidden = false;
      return copy;
    }));
    this.none.hidden = this.near.children.length > 0;
    this.dialog.showModal();
    if (!this.none.hidden) this.field.focus();
  }

  choose(number) {
    if (!number) return;
    this.dialog.close();
    this.onChoice(number);
  }
}
