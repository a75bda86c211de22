// The queue's filter: its categories are found as in the dialog of kinds. Without script the list is there alone.
import { found } from "./kinds.js";

const LINES = 8;

export function findable(form, { buttons, which }) {
  const field = form.querySelector("[type=search]"), list = form.querySelector("[name=category]"), status = form.querySelector("[role=status]");
  const whole = [...list.children], chosen = list.value, options = new Map([...list.options].map((each) => [each.value, each])), isDesk = matchMedia("(pointer: fine)").matches;
  const show = () => {
    const typed = field.value.trim().toLowerCase(), fit = typed ? found(buttons, typed) : [], none = typed && !fit.length ? which.dataset.none : "";
    list.replaceChildren(...(typed ? fit.map(([each]) => options.get(each.dataset.kind).cloneNode(true)) : whole));
    if (typed) list.selectedIndex = 0; else list.value = chosen;
    status.textContent = none || (typed && which.dataset.found.replace("{found}", fit.length));
    field.setCustomValidity(none); // or the whole queue would be shown
  };
  field.hidden = status.hidden = false;
  if (isDesk) list.size = LINES;
  field.autofocus = isDesk;
  field.addEventListener("input", show);
  form.addEventListener("beforetoggle", () => { field.value = ""; show(); });
  field.addEventListener("keydown", (e) => {
    if (e.isComposing || !["Escape", "ArrowDown"].includes(e.key)) return;
    e.preventDefault();
    if (e.key === "Escape") form.hidePopover(); else list.focus(); // Esc would empty the field first
  });
}
