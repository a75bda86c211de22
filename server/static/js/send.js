// Ctrl (or Cmd) + Enter sends a form with a long text, in which Enter begins a line. Its button says so where there are keys.
const sends = (form) => [...form.elements].find((each) => each.type === "submit");

for (const form of document.querySelectorAll("form[method=post]:has(textarea)")) {
  const kbd = Object.assign(document.createElement("kbd"), { textContent: "Ctrl Enter", ariaHidden: "true" });
  sends(form).append(" ", kbd);
  sends(form).setAttribute("aria-keyshortcuts", "Control+Enter");
}

document.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey) || e.repeat || e.isComposing || e.defaultPrevented || !e.target.matches?.("form textarea")) return;
  e.preventDefault();
  e.target.form.requestSubmit(sends(e.target.form));
});
