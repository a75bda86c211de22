// The pictures of a card: decoded before it may be judged, one shown at a time, brighter where a street is dark.
const AGAIN_MS = 400, TRIES = 3, STEPS = 3;

// A card may be judged once its picture is decoded; a broken one is tried twice more.
export async function load(card) {
  const picture = card.querySelector(".view img"), broken = card.querySelector(".broken");
  if (!picture) { broken.hidden = false; return false; }
  const address = picture.getAttribute("src");
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try { await picture.decode(); return true; } catch { await new Promise((done) => setTimeout(done, AGAIN_MS)); picture.src = `${address}?again=${attempt}`; }
  }
  broken.hidden = false;
  return false;
}

// A small picture is cut to its frame; what it is about stays in sight.
export function centre(card) {
  for (const thumb of card.querySelectorAll(".thumb")) {
    const view = card.querySelector(`.view[data-index="${thumb.dataset.index}"]`), box = view?.querySelector(".box")?.dataset;
    if (!box) continue;
    const small = thumb.querySelector("img"), picture = view.querySelector("img"), [frameW, frameH] = [small.clientWidth || 4, small.clientHeight || 3];
    const [width, height] = ["width", "height"].map((name) => Number(picture.getAttribute(name))), scale = Math.max(frameW / width, frameH / height);
    const share = (from, size, whole, frame) => whole * scale - frame < 1 ? 50 : Math.min(100, Math.max(0, ((Number(from) + size / 2) * scale - frame / 2) / (whole * scale - frame) * 100));
    small.style.objectPosition = `${share(box.x, Number(box.w), width, frameW)}% ${share(box.y, Number(box.h), height, frameH)}%`;
  }
}

export const shownIndex = (card) => [...card.querySelectorAll(".view")].findIndex((each) => !each.hidden);

// Shows one of a card's pictures and returns its view; null if it has none. Beyond the last comes the first.
export function showPicture(card, index) {
  const views = [...card.querySelectorAll(".view")];
  if (!views.length) return null;
  const wanted = views[((index % views.length) + views.length) % views.length], picture = wanted.querySelector("img");
  for (const each of views) each.hidden = each !== wanted;
  if (picture.dataset.src) { picture.src = picture.dataset.src; delete picture.dataset.src; }
  for (const each of card.querySelectorAll(".thumb")) each.setAttribute("aria-pressed", String(each.dataset.index === wanted.dataset.index));
  return wanted;
}

let bright = 0;
export function brighten(root) {
  root.classList.remove(`bright-${bright}`);
  bright = (bright + 1) % STEPS;
  root.classList.add(`bright-${bright}`);
  return bright + 1;
}
