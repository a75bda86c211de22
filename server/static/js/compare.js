// The pictures of a case: one beside the other to leaf through, and the first look laid on the newest one. Without script all of them are on the page.
function carousel(box) {
  const slides = box.querySelector(".slides"), figures = [...slides.children], bar = box.querySelector(".turns"), at = bar.querySelector("output");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let shown = 0;
  const tell = () => { at.textContent = `${shown + 1} / ${figures.length}`; bar.querySelector("[data-turn='-1']").disabled = shown === 0; bar.querySelector("[data-turn='1']").disabled = shown === figures.length - 1; };
  const turn = (by) => {
    shown = Math.max(0, Math.min(figures.length - 1, shown + by));
    slides.scrollTo({ left: figures[shown].offsetLeft - slides.offsetLeft, behavior: calm.matches ? "auto" : "smooth" });
    tell();
  };
  bar.addEventListener("click", (e) => { const button = e.target.closest("[data-turn]"); if (button) turn(Number(button.dataset.turn)); });
  slides.addEventListener("keydown", (e) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -figures.length, End: figures.length }[e.key];
    if (by) { e.preventDefault(); turn(by); }
  });
  // Swiping tells where it came to rest.
  slides.addEventListener("scrollend", () => { shown = figures.reduce((best, each, i) => Math.abs(each.offsetLeft - slides.offsetLeft - slides.scrollLeft) < Math.abs(figures[best].offsetLeft - slides.offsetLeft - slides.scrollLeft) ? i : best, 0); tell(); });
  bar.hidden = figures.length < 2;
  tell();
}

function compare(box) {
  const laid = box.querySelector(".laid"), beside = box.querySelector(".beside"), layers = box.querySelector(".layers"), range = box.querySelector("input[type=range]"), ways = box.querySelector(".turns");
  const cut = () => layers.style.setProperty("--cut", `${range.value}%`);
  const show = (way) => {
    laid.hidden = way !== "over"; beside.hidden = way !== "beside";
    for (const button of ways.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.way === way));
  };
  const drag = (e) => { const room = layers.getBoundingClientRect(); range.value = String(Math.round(100 * (e.clientX - room.left) / room.width)); cut(); };
  layers.addEventListener("pointerdown", (e) => { layers.setPointerCapture(e.pointerId); drag(e); });
  layers.addEventListener("pointermove", (e) => { if (layers.hasPointerCapture(e.pointerId)) drag(e); });
  range.addEventListener("input", cut);
  ways.addEventListener("click", (e) => { const button = e.target.closest("[data-way]"); if (button) show(button.dataset.way); });
  ways.hidden = false;
  cut(); show("over");
}

for (const box of document.querySelectorAll("[data-carousel]")) carousel(box);
for (const box of document.querySelectorAll("[data-compare]")) compare(box);
