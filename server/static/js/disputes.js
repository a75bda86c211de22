// A click is for the dispute that it was meant for: the second of two does nothing, and what was settled just now is read first.
const DEAD_MS = 700;
let sent = false;
const opened = performance.now(), settled = document.getElementById("settled-now");

addEventListener("submit", (e) => {
  if (sent || (settled && performance.now() - opened < DEAD_MS)) e.preventDefault();
  else sent = true;
});
addEventListener("pageshow", () => { sent = false; });
