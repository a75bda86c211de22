// A key is chosen by pressing it: a form with its place on the keyboard goes to the server, which knows what is taken.
const form = document.getElementById("choose"), ask = document.getElementById("ask");
const NEVER = ["Escape", "Tab", "Enter", "NumpadEnter", "Space", "ShiftLeft", "ShiftRight", "ControlLeft", "ControlRight", "AltLeft", "AltRight", "MetaLeft", "MetaRight", "CapsLock"];
const PLACE = "keys-place"; // how far down the page a key was chosen: it comes back there
const words = Object.assign(document.createElement("b"), { className: "asking", textContent: ask.dataset.press });
let asked = null;

function send(deed, code) {
  form.elements.deed.value = deed; form.elements.code.value = code;
  sessionStorage.setItem(PLACE, String(scrollY));
  form.submit();
}

function stop() {
  asked?.removeAttribute("aria-pressed");
  asked?.closest("tr").classList.remove("asked"); words.remove();
  asked = null; ask.textContent = "";
}

form.addEventListener("click", (e) => {
  const button = e.target.closest("button");
  if (!button) return;
  if ("none" in button.dataset) { send(button.dataset.deed, ""); return; }
  stop();
  asked = button;
  button.setAttribute("aria-pressed", "true");
  const row = button.closest("tr");
  row.classList.add("asked"); row.cells[1].append(words);
  ask.textContent = `${ask.dataset.ask}${button.dataset.words}. ${ask.dataset.kept}`;
});
document.addEventListener("keydown", (e) => {
  if (!asked || e.isComposing || e.repeat || e.ctrlKey || e.altKey || e.metaKey) return;
  if (e.code === "Escape" || e.code === "Tab") { stop(); return; }
  if (NEVER.includes(e.code)) return;
  e.preventDefault();
  send(asked.dataset.deed, e.code);
});
document.addEventListener("focusin", (e) => { if (asked && e.target !== asked) stop(); });
if (location.hash) document.querySelector(`${CSS.escape(location.hash.slice(1)).replace(/^/, "#")} [data-deed]`)?.focus();
const place = sessionStorage.getItem(PLACE);
sessionStorage.removeItem(PLACE);
if (place !== null) addEventListener("load", () => requestAnimationFrame(() => scrollTo(0, Number(place))));
