// The queue: five cards ahead, one key a verdict, nothing lost on the way.
import { post, Sender, token, uuid7 } from "./post.js";
import { Kinds } from "./kinds.js";
import { Zoom } from "./zoom.js";

const root = document.getElementById("review"), cards = document.getElementById("cards"), say = root.dataset;
const empty = document.getElementById("empty"), loading = document.getElementById("loading"), bar = root.querySelector(".bar");
const reasons = document.getElementById("reasons"), help = document.getElementById("help"), banner = document.getElementById("banner");
const FETCH_BELOW = 3, DEAD_MS = 250, LOOK_AGAIN_MS = 5000, LEASE_MS = 60000, IDLE_MS = 180000, UNSENT_AT_MOST = 20;
let card = null, shownAt = 0, ready = false, fetching = false, nothingLeft = false, lastKey = Date.now(), zoom = null, state = { scale: 1, x: 0, y: 0, onBox: false };

const counted = (response) => counts({ waiting: response.headers.get("X-waiting"), in_shadow: response.headers.get("X-in-shadow"), mine_today: response.headers.get("X-mine-today") });
const live = (text) => { document.getElementById("live").textContent = text; };
const sender = new Sender(say.verdicts, (count, trouble) => {
  const unsent = document.getElementById("unsent");
  unsent.hidden = !count; unsent.querySelector("b").textContent = count;
  warn(trouble);
}, (answer) => { counts(answer); if (answer.result === "second") live(say.second); });

function warn(trouble) {
  banner.hidden = !trouble;
  banner.textContent = trouble ? { offline: banner.dataset.offline, "signed-out": banner.dataset.signedOut }[trouble.kind] ?? trouble.sentence : "";
}

function counts(values) {
  if (values.waiting !== undefined) document.getElementById("waiting").textContent = values.waiting;
  if (values.in_shadow !== undefined) document.getElementById("in-shadow").textContent = values.in_shadow;
  if (values.mine_today !== undefined) document.getElementById("mine").textContent = values.mine_today;
}

function take(html, first = false) {
  const box = document.createElement("template");
  box.innerHTML = html;
  const fresh = [...box.content.querySelectorAll(".card")].filter((each) => !cards.querySelector(`[data-case="${each.dataset.case}"]`));
  for (const each of fresh) {
    first ? cards.prepend(each) : cards.append(each);
    each.loaded = load(each);
  }
  return fresh;
}

// A card may be judged once its picture is decoded; a broken one is tried twice more.
async function load(each) {
  const picture = each.querySelector(".view img");
  if (!picture) { each.querySelector(".broken").hidden = false; return false; }
  const address = picture.getAttribute("src");
  for (let attempt = 0; attempt < 3; attempt++) {
    try { await picture.decode(); return true; } catch { await new Promise((done) => setTimeout(done, 400)); picture.src = `${address}?again=${attempt}`; }
  }
  each.querySelector(".broken").hidden = false;
  return false;
}

async function fetchMore() {
  if (fetching) return;
  fetching = true;
  try {
    const held = [...[...cards.querySelectorAll(".card")].map((each) => each.dataset.case), ...sender.waiting.map((each) => each.case)].join(",");
    const response = await post(say.lease, { held });
    counted(response);
    document.getElementById("empty-others").textContent = +response.headers.get("X-with-others") ? `${response.headers.get("X-with-others")} ${say.others}` : "";
    nothingLeft = !take(await response.text()).length;
    if (!sender.waiting.length) warn(null);
  } catch (trouble) { warn(trouble); }
  fetching = false;
  if (!card) next();
}

async function next() {
  card = cards.querySelector(".card");
  empty.hidden = Boolean(card) || !nothingLeft; loading.hidden = Boolean(card) || nothingLeft;
  ready = false; enable();
  if (!card) return;
  card.hidden = false;
  if (cards.childElementCount < FETCH_BELOW) fetchMore();
  zoom = Object.assign(new Zoom(card.querySelector(".stage")), state);
  const view = card.querySelector(".view");
  if (view) zoom.show(view);
  card.querySelector("h1").focus({ preventScroll: true });
  shownAt = performance.now();
  const mine = card;
  const good = await card.loaded;
  await new Promise((done) => setTimeout(done, Math.max(0, DEAD_MS - (performance.now() - shownAt))));
  if (mine === card) { ready = good; enable(); }
}

function enable() { for (const each of bar.querySelectorAll("[data-do]")) each.setAttribute("aria-disabled", String(!card ? each.dataset.do !== "undo" : !ready && !["undo", "skip"].includes(each.dataset.do))); }

function answer(kind, more = {}, as = "") {
  if (!card || (!ready && kind !== "skip") || sender.waiting.length >= UNSENT_AT_MOST) return;
  const gone = card;
  state = { scale: zoom.scale, x: zoom.x, y: zoom.y, onBox: zoom.onBox };
  if (!state.onBox) state = { scale: 1, x: 0, y: 0, onBox: false };
  const fields = { id: uuid7(), person: say.person, case: gone.dataset.case, answer: kind, visible_ms: Math.round(performance.now() - shownAt), ...more };
  gone.remove(); card = null;
  sender.add(fields);
  const told = document.querySelector(".figures [aria-current] b").textContent, left = told.endsWith("+") ? told : Math.max(0, Number(told) - 1);
  live(`${{ confirm: as ? `${say.confirmedAs} ${as}` : say.confirmed, reject: say.rejected, unsure: say.unsure, skip: say.skipped }[kind]}, ${left} ${say.left}`);
  next();
}

async function undo() {
  await sender.drained();
  try {
    const response = await post(say.undo);
    if (response.status === 204) { live(say.nothingToUndo); return; }
    counted(response);
    if (card) card.hidden = true;
    take(await response.text(), true);
    live(say.undone);
    next();
  } catch (trouble) { warn(trouble); }
}

function showPicture(index) {
  if (!card) return;
  const views = [...card.querySelectorAll(".view")];
  const wanted = views[((index % views.length) + views.length) % views.length];
  for (const each of views) each.hidden = each !== wanted;
  const picture = wanted.querySelector("img");
  if (picture.dataset.src) { picture.src = picture.dataset.src; delete picture.dataset.src; }
  for (const each of card.querySelectorAll(".thumb")) each.setAttribute("aria-pressed", String(each.dataset.index === wanted.dataset.index));
  zoom.show(wanted);
}

const current = () => [...card.querySelectorAll(".view")].findIndex((each) => !each.hidden);
const deeds = {
  confirm: () => answer("confirm"), unsure: () => answer("unsure"), skip: () => answer("skip"), undo,
  reject: () => { if (ready) reasons.showModal(); }, change: () => { if (ready) kinds.open(card.dataset.likely.split(" ")); },
  next: () => card && showPicture(current() + 1), fit: () => zoom && zoom.toggleBox(), box: () => root.classList.toggle("no-box"),
  details: () => { const more = card?.querySelector(".more"); if (more) more.open = !more.open; }, help: () => help.showModal(),
  larger: () => zoom?.by(1.25), smaller: () => zoom?.by(0.8),
};
const kinds = new Kinds(document.getElementById("kinds"), (category, name) => answer("confirm", { category }, name));
const keys = { KeyF: "confirm", KeyD: "reject", KeyR: "change", KeyS: "unsure", KeyA: "undo", KeyX: "skip", KeyE: "next", KeyW: "fit", KeyQ: "box", KeyI: "details", Slash: "help", Equal: "larger", NumpadAdd: "larger", Minus: "smaller", NumpadSubtract: "smaller" };

document.addEventListener("keydown", (e) => {
  lastKey = Date.now();
  if (e.isComposing || e.repeat || e.ctrlKey || e.altKey || e.metaKey || e.target.matches("input, select, textarea")) return;
  if (reasons.open) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(e.code)?.[1] ?? (e.code === "KeyD" ? "2" : null);
    if (digit) { e.preventDefault(); reasons.close(); answer("reject", { reason: digit }); }
    return;
  }
  if (help.open || kinds.dialog.open || !keys[e.code]) return;
  e.preventDefault();
  deeds[keys[e.code]]();
});
root.addEventListener("click", (e) => {
  lastKey = Date.now();
  const button = e.target.closest("button");
  if (!button) return;
  if (button.dataset.do) deeds[button.dataset.do]();
  else if (button.dataset.reason) { reasons.close(); answer("reject", { reason: button.dataset.reason }); }
  else if ("close" in button.dataset) button.closest("dialog").close();
  else if (button.classList.contains("thumb")) showPicture(Number(button.dataset.index));
});
document.getElementById("help-button").addEventListener("click", deeds.help);
addEventListener("resize", () => { if (card && zoom?.view) zoom.show(zoom.view); });
addEventListener("beforeunload", (e) => { if (sender.waiting.length) e.preventDefault(); });
addEventListener("pagehide", () => { navigator.sendBeacon(say.giveBack, new URLSearchParams({ csrfmiddlewaretoken: token() })); });
addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
addEventListener("online", () => { if (!card) fetchMore(); });
setInterval(() => { if (!card && document.visibilityState === "visible") fetchMore(); }, LOOK_AGAIN_MS);
setInterval(() => { if (card && document.visibilityState === "visible" && Date.now() - lastKey < IDLE_MS) post(say.renew).then((r) => r.json()).then(counts).catch(() => {}); }, LEASE_MS);
fetchMore();
