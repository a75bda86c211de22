// The queue: five cards ahead, one key a verdict, nothing lost on the way.
import { Merge, Note } from "./ask.js";
import { Batch } from "./batch.js";
import { Feedback } from "./feedback.js";
import { Keyboard, digitOf, isFree, isPlain } from "./keyboard.js";
import { Kinds } from "./kinds.js";
import { Mend } from "./mend.js";
import { closeOutside } from "./outside.js";
import { findable } from "./part.js";
import { brighten, centre, load, showPicture, shownIndex } from "./pictures.js";
import { Presence } from "./presence.js";
import { heard, post, Sender, token, uuid7 } from "./post.js";
import { Session } from "./session.js";
import { Zoom } from "./zoom.js";

const by = (id) => document.getElementById(id);
const root = by("review"), cards = by("cards"), say = root.dataset, empty = by("empty"), loading = by("loading"), bar = root.querySelector(".bar"), reasons = by("reasons"), broken = by("broken"), banner = by("banner"), chips = by("chips");
const FETCH_BELOW = 3, TOLD_MS = 3000, DEAD_MS = 250, AGAIN_MS = 200, LOOK_AGAIN_MS = 30000, RECONNECT_MS = 5000, LEASE_MS = 60000, HOUR_MS = 3600000, IDLE_MS = 300000, AWAY_MS = 60000, LONG_MS = 8000, PAUSE_MS = 60000, UNSENT_AT_MOST = 20, OTHER = "9", SAME = "5";
const ENDS_MENDING = ["reject", "change", "unsure", "skip", "undo", "merge", "report"], ZOOMS = ["larger", "smaller"];
let undoing = false, card = null, shownAt = 0, ready = false, fetching = false, nothingLeft = false, rested = false, first = say.first, lastKey = Date.now(), lookedAt = Date.now(), zoom = null, onBox = false, opened = false;

const opening = Date.now();
const keyboard = new Keyboard(JSON.parse(say.keys));
// What is told to ears stands above the verdicts for a moment, too. How many cards are left is what stands at the head, also if it changes meanwhile.
let telling = 0, withLeft = "";
const figure = document.querySelector(".figures [aria-current] b");
const live = (text, ms = TOLD_MS) => {
  withLeft = text.includes("{left}") ? text : "";
  by("live").textContent = text.replace("{left}", figure.textContent); by("live").classList.remove("hidden");
  clearTimeout(telling);
  telling = setTimeout(() => { withLeft = ""; by("live").classList.add("hidden"); }, ms);
};
const counted = (response) => counts({ waiting: response.headers.get("X-waiting"), in_shadow: response.headers.get("X-in-shadow"), mine_today: response.headers.get("X-mine-today"), skipped: response.headers.get("X-skipped") });
// Cards that were answered and are not taken yet, by the verdict's id; and those whose answer was refused: the card, and the sentence that says so.
const answered = new Map(), refused = new Map();
// Numbers of cases that were answered here so that nothing more belongs into them; a card that came back is undecided again.
const elsewhere = new Set(), away = () => new Set([...elsewhere].filter((number) => !cards.querySelector(`.card[data-number="${number}"]`)));
const sender = new Sender(say.verdicts, {
  onChange: (count, trouble) => {
    by("unsent").hidden = !count; by("unsent").querySelector("b").textContent = count;
    warn(trouble);
  },
  onAnswer: (answer, taken) => { answered.delete(taken.id); counts(answer); if (answer.result === "second") live(say.second); },
  onRefused: (verdict, trouble) => {
    const back = answered.get(verdict.id);
    answered.delete(verdict.id);
    countOn(1);
    if (!back || verdict.answer === "skip") { live(trouble.sentence); return; }
    refused.set(back, say.refused.replace("{number}", back.dataset.number).replace("{why}", trouble.sentence));
    by("live").classList.add("hidden");
    bringBack(back);
  },
});
const session = new Session(say.session, by("session"), () => warn(null), () => { warn(null); sender.hurry(); if (!card) fetchMore(); });
heard.push((response) => session.heard(response));

function warn(trouble) {
  const waiting = sender.waiting.length ? ` ${sender.waiting.length}` : "";
  const gone = [...refused.values()].at(-1);
  banner.hidden = !trouble && !gone && !session.isEnding;
  banner.textContent = !trouble ? gone ?? banner.dataset.ending : { offline: `${banner.dataset.offline}${waiting || " 0"}`, database: `${banner.dataset.database}${waiting || " 0"} ${trouble.request}`, "signed-out": banner.dataset.signedOut }[trouble.kind] ?? trouble.sentence;
  if (trouble?.kind === "signed-out") session.over(waiting && `${by("unsent").querySelector(".wide").textContent}${waiting}`);
  return banner.textContent;
}

// What the server counted, less the answers that it has not read yet.
function counts(values) {
  for (const [id, value] of [["waiting", values.waiting], ["in-shadow", values.in_shadow], ["mine", values.mine_today]]) if (value !== undefined && value !== null) by(id).textContent = value;
  if (figure.id === "waiting" && (values.skipped ?? false)) alsoSkipped(Number(values.skipped));
  if (values[figure.id === "waiting" ? "waiting" : "in_shadow"] ?? false) countOn(-sender.waiting.length);
}

// What does not wait for a person because they skipped it is in no figure.
function alsoSkipped(cards) {
  const words = cards ? say.alsoSkipped.replace("{n}", cards) : "", told = document.querySelector("#part [data-also-skipped]");
  figure.closest("a").title = told.textContent = words; told.hidden = !words;
}

function countOn(more) {
  if (!figure.textContent.endsWith("+")) figure.textContent = Math.max(0, Number(figure.textContent) + more);
  if (withLeft) by("live").textContent = withLeft.replace("{left}", figure.textContent);
}

// A card whose answer was refused is there again at once; not under a question about another card, which would be answered for this one.
function bringBack(back) {
  if (document.querySelector("dialog[open]") || mend.open) { setTimeout(() => bringBack(back), AGAIN_MS); return; }
  if (!refused.has(back)) return;
  if (card) card.hidden = true;
  cards.querySelector(`[data-case="${back.dataset.case}"]`)?.remove();
  cards.prepend(back);
  next();
}

function take(html, first = false) {
  const box = document.createElement("template");
  box.innerHTML = html;
  const fresh = [...box.content.querySelectorAll(".card")].filter((each) => !cards.querySelector(`[data-case="${each.dataset.case}"]`));
  for (const each of fresh) {
    keyboard.label(each);
    first ? cards.prepend(each) : cards.append(each);
    each.loaded = load(each);
  }
  return fresh;
}

async function fetchMore(byItself = false) {
  if (fetching) return;
  lookedAt = Date.now();
  // A page that has nothing takes no card unless somebody is there to answer it: it would hold it for nobody.
  if (byItself && nothingLeft && there.away(AWAY_MS)) { sayNothingLeft(true).catch(() => {}); return; }
  fetching = true; rested = false;
  try {
    const held = [...[...cards.querySelectorAll(".card"), ...refused.keys()].map((each) => each.dataset.case), ...sender.waiting.map((each) => each.case)].join(",");
    const response = await post(say.lease, { held, ...(first && { first }) }, byItself);
    counted(response);
    if (first) askedFor(response.headers.get("X-first"));
    nothingLeft = !take(await response.text()).length;
    if (!sender.waiting.length) warn(null);
  } catch (trouble) { warn(trouble); }
  fetching = false;
  if (!card) next(byItself);
}

// The card that the address asked for is the first, or it is said that it cannot be had. Asked for once.
function askedFor(gone) {
  const address = new URL(location.href);
  for (const name of ["case", "city"]) address.searchParams.delete(name);
  history.replaceState(null, "", address);
  first = "";
  if (gone) live(say.firstGone, LONG_MS);
}

// Nobody is there: the cards go back to the queue, unless something was begun on one. Any key or touch takes some again.
async function rest() {
  const open = [...document.querySelectorAll("dialog[open]")];
  const isBegun = sender.waiting.length || refused.size || fetching || undoing || mend.open || by("session").open || [...cards.children].some((each) => each.note || each.mended) || open.some((each) => [...each.querySelectorAll("textarea, input")].some((field) => field.value.trim()));
  if (isBegun || !(card || batch.dialog.open)) return;
  try { await post(say.giveBack, {}, true); } catch { return; }
  for (const each of open) each.close();
  cards.replaceChildren();
  nothingLeft = rested = true;
  next(true);
  if (!there.idle(IDLE_MS)) fetchMore();
}

// Who has the last cards and till when, in the server's words.
async function sayNothingLeft(byItself) {
  const address = new URL(say.nothing, location.href);
  if (rested) address.searchParams.set("rested", 1);
  const response = await fetch(address, { redirect: "manual", headers: byItself ? { "X-By-Itself": "1" } : {} });
  if (!response.ok) return;
  counted(response);
  const html = await response.text(), isMine = empty.contains(document.activeElement) || (!byItself && document.activeElement === document.body);
  empty.innerHTML = html;
  keyboard.label(empty);
  // As with a card: who answered the last one, or pressed a button that is gone now, is at the heading.
  if (isMine && !card) empty.querySelector("h1").focus({ preventScroll: true });
  feedback.ask();
}

async function next(byItself = false) {
  card = cards.querySelector(".card");
  empty.hidden = Boolean(card) || !nothingLeft; loading.hidden = Boolean(card) || nothingLeft;
  ready = false; enable(); tell();
  if (!card) { if (nothingLeft) sender.drained().then(() => card || sayNothingLeft(byItself)).catch(() => {}); return; }
  card.hidden = false;
  centre(card);
  if (scrollY) scrollTo(0, 0);
  if (cards.childElementCount < FETCH_BELOW) fetchMore();
  zoom = Object.assign(new Zoom(card.querySelector(".stage")), { onBox });
  card.querySelector(".more").open = opened;
  by("tools").scrollLeft = 0;
  for (const each of root.querySelectorAll("[data-now]")) each.textContent = card.querySelector("h1").textContent;
  for (const each of root.querySelectorAll("[data-meaning]")) each.textContent = card.querySelector(".meaning").textContent;
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

// What goes with the answer to this card stands on it, and is dropped by a click.
function tell() {
  const told = [["reported", card?.reported !== undefined && say.reported], ["note", card?.note && say.words.replace("{words}", card.note)], ["box", card?.mended?.box && say.mendedBox], ["place", card?.mended?.place && `${say.mendedPlace} ${card.mended.place.figure}`]];
  chips.replaceChildren(...told.filter(([, words]) => words).map(([kind, words]) => {
    const chip = document.createElement("button");
    Object.assign(chip, { type: "button", textContent: `${words} ✕`, title: words });
    chip.dataset.drop = kind;
    return chip;
  }));
}

function drop(kind) {
  if (kind === "reported") { sayBroken(false); return; }
  if (kind === "note") card.note = "";
  else if (mend.start(kind, card)) mend.stop(false);
  tell();
}

function answer(kind, more = {}, as = "") {
  if (!card || (!ready && kind !== "skip") || sender.waiting.length >= UNSENT_AT_MOST) return;
  const gone = card, { box, place } = (kind === "confirm" && gone.mended) || {};
  opened = gone.querySelector(".more").open;
  const mended = { ...box, ...(place && { lat_deg: place.lat_deg, lon_deg: place.lon_deg }) };
  const fields = { id: uuid7(), person: say.person, case: gone.dataset.case, answer: kind, visible_ms: Math.round(performance.now() - shownAt), ...(gone.note && { words: gone.note }), ...mended, ...more };
  gone.remove(); card = null;
  refused.delete(gone); answered.set(fields.id, gone);
  if (kind === "reject" || more.category) elsewhere.add(gone.dataset.number); else elsewhere.delete(gone.dataset.number);
  countOn(-1);
  const why = more.reason && reasons.querySelector(`[data-reason="${more.reason}"]`).dataset.words;
  const confirmed = as || say.confirmed, isWaiting = say.free && !gone.querySelector(".in-shadow");
  const told = { confirm: isWaiting ? say.free.replace("{what}", confirmed) : confirmed, reject: more.same_as ? say.merged.replace("{number}", more.same_as) : say.rejected.replace("{why}", why), unsure: say.unsure, skip: say.skipped }[kind];
  sender.add(fields);
  live(say.told.replace("{what}", told));
  next();
}

function reject(reason) {
  reasons.close();
  const again = () => reasons.showModal();
  if (reason === SAME) merge.open(card, again, away());
  else if (reason === OTHER && !card.note) note.open("", true, (words) => answer("reject", { reason, words }), again);
  else answer("reject", { reason });
}

// What has gone to the city is taken back with a written reason alone.
// Never an older answer than the last: not while that is on its way, nor while its card is here again because it was refused.
async function undo(why = "") {
  if (undoing) return;
  undoing = true;
  try {
    await sender.drained();
    if (refused.size) { live(say.answerFirst); return; }
    const response = await post(say.undo, why ? { why } : {});
    if (response.status === 204) { live(say.nothingToUndo); return; }
    counted(response);
    const html = await response.text(), together = Number(response.headers.get("X-cards"));
    // From one card to the other at once: a page without heading says nothing to ears.
    if (card) card.hidden = true;
    const [back] = take(html, true), wasSkipped = response.headers.get("X-answer") === "skip" && (back ? say.unskipped : say.colleagueHas);
    const told = [together > 1 && say.undoneBatch, response.headers.get("X-retracted") && say.retracted, wasSkipped].filter(Boolean);
    if (!told.length) told.push(say.undone);
    if (response.headers.get("X-with") && !back) told.push(say.goneWithIt);
    live(told.join(" · ").replace("{number}", response.headers.get("X-case")).replace("{cards}", together));
    next();
    if (back && back === card) resume(back);
  } catch (trouble) {
    if (trouble.kind !== "needs_reason") { warn(trouble); return; }
    by("why-sentence").textContent = trouble.words; by("why-about").innerHTML = trouble.about;
    reason.open("", true, undo);
  } finally { undoing = false; }
}

// What went with an answer that was taken back goes with the next one.
function resume(back) {
  const { note, box, boxSha256, put, lat, lon } = back.dataset, map = back.querySelector(".map");
  back.note = note;
  const [putLat, putLon] = put ? JSON.parse(put) : [];
  const kept = [["box", box && boxSha256 === back.querySelector(".view")?.dataset.sha256 && JSON.parse(box)], ["place", put && [(putLon - lon) * map.dataset.mPerLon, (putLat - lat) * map.dataset.mPerLat]]];
  for (const [kind, value] of kept) if (value && mend.start(kind, back)) { mend.now.put(value); mend.stop(true); }
  tell();
}

// A picture that came as it should is reported only by who says so twice: by the key again, or by the button.
function report() {
  if (!card) return;
  const picture = card.querySelector(".view:not([hidden]) img");
  if (picture?.complete && picture.naturalWidth) broken.showModal(); else sayBroken(true);
}

async function sayBroken(is) {
  const mine = card, sha256 = (is ? mine.querySelector(".view:not([hidden])")?.dataset.sha256 : mine.reported) ?? "";
  broken.close();
  try { await post(say.broken, { case: mine.dataset.case, sha256, ...(!is && { well: 1 }) }); } catch (trouble) { warn(trouble); return; }
  if (is) mine.reported = sha256; else delete mine.reported;
  live(is ? say.reported : say.unreported);
  for (const each of mine.querySelectorAll(".reported")) each.hidden = !is;
  tell();
}

// Where there are no keys the help says what the signs over the picture mean.
function explain() {
  by("help").querySelector(".icons").replaceChildren(...[...by("tools").children].filter((tool) => getComputedStyle(tool).display !== "none").map((tool) => { const line = document.createElement("li"); line.append(tool.querySelector("svg").cloneNode(true), tool.dataset.help ?? tool.querySelector(".hidden").textContent); return line; }));
  by("help").showModal();
}

// The whole picture, or its box: who chooses the box has it on each card that comes. A double tap, a wheel and two fingers are of one card alone.
function fit() {
  if (!zoom) return;
  zoom.toggleBox();
  onBox = zoom.onBox;
  by("tools").querySelector("[data-do=fit]").setAttribute("aria-pressed", String(onBox));
}

function show(index) { const view = card && showPicture(card, index); if (view) zoom.show(view); }

// A correction is made on the first picture, the whole of it in sight.
function correct(kind) {
  if (!ready) return;
  if (kind === "box") show(0);
  if (!mend.start(kind, card)) live(say.noPlace);
}

const kinds = new Kinds(by("kinds"), (category, name, severity) => answer("confirm", { category }, say.confirmedAs.replace("{category}", name).replace("{severity}", severity)));
findable(by("part"), kinds, async () => {
  await sender.drained();
  const address = new URL(location.href);
  address.searchParams.set("piece", "kinds");
  const response = await fetch(address, { redirect: "manual" });
  if (!response.ok) throw new Error("no counts");
  counted(response);
  return response.text();
});
// What stands on the button, "" where no keys are used.
const confirmKey = () => { const kbd = bar.querySelector("[data-do=confirm] kbd"); return kbd.checkVisibility() ? kbd.textContent : ""; };
const merge = new Merge(by("merge"), say.same, (number) => answer("reject", { reason: SAME, same_as: number }));
const note = new Note(by("note")), reason = new Note(by("why"));
const mend = new Mend(root, by("mend"), (kind, kept) => { card.mended = { ...card.mended, [kind]: kept }; tell(); card.querySelector("h1").focus({ preventScroll: true }); });
const feedback = new Feedback(by("feedback"), say.feedback);
const batch = new Batch(by("batch"), say, { warn, live, counts, onEnd: () => { if (!card) fetchMore(there.away(AWAY_MS)); } });
const there = new Presence(() => { if (!card && nothingLeft && empty.querySelector("[data-waits]")) fetchMore(); });
const deeds = {
  confirm: () => { mend.stop(true); answer("confirm"); }, unsure: () => answer("unsure"), skip: () => answer("skip"), undo, report,
  reject: () => { if (ready) reasons.showModal(); }, change: () => { if (ready) kinds.open(card, confirmKey()); }, merge: () => { if (ready) merge.open(card, null, away()); },
  next: () => card && show(shownIndex(card) + 1), fit, larger: () => mend.zoom(true) || zoom?.by(1.25), smaller: () => mend.zoom(false) || zoom?.by(0.8),
  box: () => { const isHidden = root.classList.toggle("no-box"); root.querySelector(".tools [data-do=box]").setAttribute("aria-pressed", String(isHidden)); },
  bright: () => { const button = root.querySelector(".tools [data-do=bright]"), level = brighten(root); button.setAttribute("aria-pressed", String(level > 1)); button.querySelector(".level").textContent = level > 1 ? `${level}/3` : ""; live(say.bright.replace("{level}", level).replace("{what}", say[`bright-${level}`])); }, details: () => { const more = card?.querySelector(".more"); if (more) more.open = !more.open; },
  note: () => { const mine = card; if (mine) note.open(mine.note ?? "", false, (words) => { mine.note = words; tell(); }); },
  mend_box: () => correct("box"), mend_place: () => correct("place"), filter: () => by("part").togglePopover(), batch: () => batch.open(), help: explain, again: () => fetchMore(),
};

// Twelve cards half done and the sign-in stay: a finger beside them would lose work.
for (const dialog of document.querySelectorAll("dialog:not(#batch, #session)")) closeOutside(dialog);

document.addEventListener("keydown", (e) => {
  lastKey = Date.now();
  const deed = keyboard.deedOf(e), isMending = mend.open && deed !== "confirm" && !document.querySelector("dialog[open]");
  if (isMending && isFree(e) && mend.press(e)) return;
  if (!isPlain(e)) return;
  if (reasons.open) {
    const digit = digitOf(e) ?? (deed === "reject" ? "2" : null);
    if (digit) { e.preventDefault(); reject(digit); }
    return;
  }
  if (broken.open && deed === "report") { e.preventDefault(); sayBroken(true); return; }
  if (document.querySelector("dialog[open]") || (by("part").matches(":popover-open") && deed !== "filter")) return;
  if (!deed || (isMending && !ZOOMS.includes(deed))) return;
  e.preventDefault();
  deeds[deed]();
});
document.addEventListener("click", (e) => {
  lastKey = Date.now();
  const button = e.target.closest("button");
  if (!button) return;
  const { do: deed, reason, drop: dropped, merge: number, index } = button.dataset;
  if (deed) { if (mend.open && ENDS_MENDING.includes(deed)) mend.stop(true); if (!mend.open || !["mend_box", "mend_place"].includes(deed)) deeds[deed](); }
  else if (reason) reject(reason);
  else if (dropped) drop(dropped);
  else if (number) deeds.merge();
  else if ("broken" in button.dataset) sayBroken(true);
  else if ("close" in button.dataset) button.closest("dialog").close();
  else if (button.classList.contains("thumb")) show(Number(index));
});
addEventListener("beforeunload", (e) => { if (sender.waiting.length) e.preventDefault(); });
addEventListener("pagehide", () => { navigator.sendBeacon(say.giveBack, new URLSearchParams({ csrfmiddlewaretoken: token() })); });
addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
addEventListener("online", () => { sender.hurry(); if (!card) fetchMore(); });
setInterval(() => { if (!card && document.visibilityState === "visible" && Date.now() - lookedAt >= (nothingLeft ? LOOK_AGAIN_MS : RECONNECT_MS)) fetchMore(true); }, 1000);
setInterval(() => { if (card && !there.away(IDLE_MS)) post(say.renew).then((r) => r.json()).then(counts).catch(() => {}); }, LEASE_MS);
setInterval(() => { if (document.visibilityState === "visible" && Date.now() - lastKey > PAUSE_MS && Date.now() - opening > HOUR_MS) feedback.ask(); }, PAUSE_MS);
setInterval(() => { if (there.idleEverywhere(IDLE_MS)) rest(); }, RECONNECT_MS);
keyboard.label(document);
fetchMore();
