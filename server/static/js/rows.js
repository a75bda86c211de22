// A click anywhere on a row goes where the row's first link leads; text that was selected is left alone.
for (const table of document.querySelectorAll("[data-rows]")) {
  table.addEventListener("click", (event) => {
    const link = event.target.closest("tbody tr")?.querySelector("a");
    if (!link || event.target.closest("a, button, input, summary") || String(getSelection())) return;
    const {ctrlKey, metaKey, shiftKey} = event;
    link.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey}));
  });
}
