const letters = (text) => ` ${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim()}`;
// Two ways to write the same thing.
const alike = (text) => text.replaceAll("洒", "撒");
// One for many: "potholes" finds a pothole.
const single = (word) => word.replace(/(?<=ch|sh|ss|x)es$|(?<=\w{3})s$/, "");

// Letters count from where a word begins, so that "tree" finds no street; Chinese has no such place.
export const isNamed = (words, typed) => /^[a-z]/.test(typed) ? letters(typed).trim().split(" ").every((each) => letters(words).includes(` ${single(each)}`)) : alike(words).includes(alike(typed));

// From any syllable on, written out or by first letters: "daolu", "posun", "ps". `isWhole`: whole syllables alone, or all the first letters, as an English word may begin like a syllable.
export function isSpelt(pinyin, typed, isWhole) {
  const wanted = typed.replace(/[ ']/g, ""), syllables = pinyin.split(" "), initials = syllables.map((each) => each[0]).join("");
  if (!/^[a-z]+$/.test(wanted)) return false;
  if (isWhole) return initials === wanted || syllables.some((_, from) => syllables.slice(from).some((_, more) => syllables.slice(from, from + more + 1).join("") === wanted));
  return initials.includes(wanted) || syllables.some((_, from) => syllables.slice(from).join("").startsWith(wanted));
}

const begins = (pinyin, typed) => { const wanted = typed.replace(/[ ']/g, ""), syllables = pinyin.split(" "); return [syllables.join(""), syllables.map((each) => each[0]).join("")].some((each) => each.startsWith(wanted)); };

// Of kinds, as buttons of the dialog, those that fit what is typed, with how well each does: by name first, then by code and the pinyin that begins so, by pinyin from a later syllable, by what people say for it, and by what is meant: after a semicolon stands what is not.
export function found(kinds, typed) {
  const spelt = ({ dataset }) => isSpelt(dataset.pinyin, typed, document.documentElement.lang === "en");
  const ways = [
    (each) => isNamed(each.querySelector("b").textContent, typed),
    (each) => (begins(each.dataset.pinyin, typed) && spelt(each)) || each.dataset.codes.split(" ").some((code) => code.startsWith(typed)),
    spelt,
    (each) => isNamed(each.dataset.said, typed),
    (each) => isNamed(each.querySelector(".small").textContent.split(/[;；]/)[0], typed),
  ];
  const rank = (each) => ways.findIndex((fits) => fits(each));
  return kinds.map((each) => [each, rank(each)]).filter(([, at]) => at >= 0).sort((one, other) => one[1] - other[1]);
}

// What a card is if not what was proposed: the nine likeliest categories, others by typing, or all of them to look through.
export class Kinds {
  kept = {};

  constructor(dialog, onChoice) {
    Object.assign(this, { dialog, onChoice, field: dialog.querySelector("input"), grid: dialog.querySelector(".grid"), which: dialog.querySelector(".which p"), all: dialog.querySelector(".which button") });
    this.buttons = [...this.grid.children];
    this.field.addEventListener("input", () => this.show());
    this.all.addEventListener("click", () => { this.field.value = ""; this.show(!this.isAll); });
    this.grid.addEventListener("click", (e) => this.choose(e.target.closest("[data-kind]")));
    dialog.addEventListener("keydown", (e) => this.press(e));
  }

  // What the digits mean stays until the page is loaded again: hands learn it.
  open(card, key) {
    const { category, likely } = card.dataset;
    this.now = category; this.key = key;
    this.likely = this.kept[category] ??= likely.split(" ");
    for (const each of this.buttons) each.disabled = each.dataset.kind === category;
    this.field.value = "";
    this.show();
    this.dialog.showModal();
    if (matchMedia("(pointer: fine)").matches) this.field.focus();
  }

  show(isAll = false) {
    const typed = this.field.value.trim().toLowerCase();
    this.isAll = isAll;
    const ranked = typed ? found(this.buttons, typed) : [], own = ranked.find(([each]) => each.dataset.kind === this.now);
    this.shown = typed ? ranked.filter((each) => each !== own).map(([each]) => each) : isAll ? this.buttons : this.likely.map((key) => this.buttons.find((each) => each.dataset.kind === key));
    this.grid.replaceChildren(...this.shown);
    this.grid.scrollTop = 0;
    this.shown.forEach((each, index) => { each.querySelector("kbd").textContent = index < 9 && !/^0/.test(typed) ? index + 1 : ""; }); // while a code is typed, digits belong to it
    // What the card is already is not offered: it is said, and Enter chooses no other in its place.
    const best = ranked.find((each) => each !== own), { dataset } = this.which;
    this.isOwn = Boolean(own) && (!best || own[1] < best[1] || [own[0].querySelector("b").textContent.toLowerCase(), ...own[0].dataset.codes.split(" ")].includes(typed));
    const told = dataset[!typed ? (isAll ? "all" : "likely") : this.shown.length ? "found" : "none"].replace("{found}", this.shown.length), present = this.isOwn ? (this.key ? dataset.own.replace("{key}", this.key) : dataset.ownPlain) : own && dataset.besides;
    this.which.textContent = !present ? told : this.shown.length ? `${present} ${told}` : present;
    this.all.textContent = this.all.dataset[isAll ? "few" : "many"];
  }

  press(e) {
    if (e.isComposing || e.repeat || e.ctrlKey || e.altKey || e.metaKey) return;
    // A search field would spend the first Esc on emptying itself.
    if (e.key === "Escape") { e.preventDefault(); this.dialog.close(); return; }
    if (e.target === this.field && /^0/.test(this.field.value)) { if (e.key === "Enter") { e.preventDefault(); this.enter(); } return; } // a code is being typed
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(e.code)?.[1], isEnter = e.key === "Enter" && e.target === this.field;
    if (!digit && !isEnter) return;
    e.preventDefault();
    if (digit) this.choose(this.shown[digit - 1]); else this.enter();
  }

  // The card's own category is confirmed on the card.
  enter() { if (this.isOwn) this.dialog.close(); else this.choose(this.shown[0]); }

  choose(button) {
    if (!button || button.disabled) return;
    this.dialog.close();
    this.onChoice(button.dataset.kind, button.querySelector("b").textContent, button.dataset.severity);
  }
}
