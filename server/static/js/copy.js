// A button that copies what stands beside it; without script it stays hidden, and a click marks the whole text.
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.innerText);
    return true;
  } catch {  // no HTTPS here: mark it, and copy as the keyboard does
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (await copied(document.getElementById(button.dataset.copy))) button.textContent = button.dataset.done;
  });
}
