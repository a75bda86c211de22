// The queue's filter: its categories are found as in the dialog of kinds, and counted anew each time it is opened. Without script the list is there alone.
import { found } from "./kinds.js";

const LINES = 8, LATE_MS = 1000;
const now = () => new Date().toTimeString().slice(0, 5);

// `fresh` promises the list's options as they are now, as HTML.
export function findable(form, { buttons, which }, fresh) {
  const field = form.querySelector("[type=search]"), list = form.querySelector("[name=category]"), status = form.querySelector("[role=status]"), asOf = form.querySelector("[data-as-of]");
  const chosen = list.value, isDesk = matchMedia("(pointer: fine)").matches;
  let whole = [...list.children], options = [...list.options], at = now();
  const show = () => {
    const typed = field.value.trim().toLowerCase(), fit = typed ? found(buttons, typed) : [], none = typed && !fit.length ? which.dataset.none : "";
    list.replaceChildren(...(typed ? fit.map(([each]) => options.find(({ value }) => value === each.dataset.kind).cloneNode(true)) : whole));
    if (typed) list.selectedIndex = 0; else list.value = chosen;
    status.textContent = none || (typed && which.dataset.found.replace("{found}", fit.length));
    field.setCustomValidity(none); // or the whole queue would be shown
  };
  const count = async () => {
    const late = setTimeout(() => { asOf.textContent = asOf.dataset.asOf.replace("{time}", at); asOf.hidden = false; }, LATE_MS);
    const html = await fresh().catch(() => "");
    if (!html) return;
    clearTimeout(late);
    const box = document.createElement("select"), choice = list.value;
    box.innerHTML = html;
    whole = [...box.children]; options = [...box.options]; at = now(); asOf.hidden = true;
    show();
    list.value = choice;
  };
  field.hidden = status.hidden = false;
  if (isDesk) list.size = LINES;
  field.autofocus = isDesk;
  field.addEventListener("input", show);
  form.addEventListener("beforetoggle", (e) => { field.value = ""; show(); if (e.newState === "open") count(); });
  field.addEventListener("keydown", (e) => {
    if (e.isComposing || !["Escape", "ArrowDown"].includes(e.key)) return;
    e.preventDefault();
    if (e.key === "Escape") form.hidePopover(); else list.focus(); // Esc would empty the field first
  });
}
