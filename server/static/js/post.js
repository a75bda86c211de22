// Requests of the queue page, and the verdicts that still have to be sent.
// Longer than the server waits for its database (20 s), so that it can say so itself.
const PATIENCE_MS = 25000;

// Signing in again changes the token: the cookie knows the one that holds now.
export const token = () => /(?:^|; )(?:__Host-)?csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";

// Why a request came to nothing: `kind` is "signed-out", "offline", or the server's word for it (server/errors.py), whose sentence is `words` and `request`, its number; `about` is HTML of the case that is meant, where the server sends it.
export class Trouble extends Error {
  constructor(kind, words = "", request = "", about = "") { super(kind); Object.assign(this, { kind, words, request: request && `[${request}]`, about }); }
  get sentence() { return `${this.words} ${this.request}`.trim(); }
}

async function troubleOf(response) {
  if (response.type === "opaqueredirect") return new Trouble("signed-out");
  try {
    const { kind, error, request, about } = await response.json();
    // The token of a page from before the last sign-in is mended by signing in elsewhere, as a session that is over.
    return new Trouble(kind === "csrf" ? "signed-out" : kind, error, request, about);
  } catch { return new Trouble("offline"); }
}

// What is told of every answer that came.
export const heard = [];

// `byItself`: nobody pressed anything for it, so it is no sign of a person who is there.
export async function post(url, fields = {}, byItself = false) {
  let response;
  try {
    response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token(), ...(byItself && { "X-By-Itself": "1" }) }, body: new URLSearchParams(fields), redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch { throw new Trouble("offline"); }
  for (const tell of heard) tell(response);
  if (!response.ok) throw await troubleOf(response);
  return response;
}

// A piece of a page. Raises what `post` raises.
export async function piece(url) {
  let response;
  try { response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS) }); } catch { throw new Trouble("offline"); }
  for (const tell of heard) tell(response);
  if (!response.ok) throw await troubleOf(response);
  return response.text();
}

// A UUID of version 7: the time in milliseconds, then random bits.
export function uuid7() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)), now = Date.now();
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) & 255;
  bytes[6] = 0x70 | (bytes[6] & 15); bytes[8] = 0x80 | (bytes[8] & 63);
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Sender {
  waiting = []; busy = false; pause = 500;
  hurry = () => {};

  // `onRefused(verdict, trouble)`: the server will never take it.
  constructor(url, { onChange, onAnswer, onRefused }) { Object.assign(this, { url, onChange, onAnswer, onRefused }); }

  add(verdict) { this.waiting.push(verdict); this.onChange(this.waiting.length, null); this.flush(); }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length) {
      try {
        const answer = await (await post(this.url, this.waiting[0])).json(), taken = this.waiting.shift();
        this.pause = 500;
        this.onChange(this.waiting.length, null);
        this.onAnswer(answer, taken);
      } catch (trouble) {
        const refused = trouble.kind === "refused" || trouble.kind === "bad_request";
        if (refused) { this.onRefused(this.waiting.shift(), trouble); this.onChange(this.waiting.length, null); continue; }
        this.onChange(this.waiting.length, trouble);
        await new Promise((done) => { this.hurry = done; setTimeout(done, this.pause); });
        this.pause = Math.min(this.pause * 2, 15000);
      }
    }
    this.busy = false;
  }

  async drained() { while (this.waiting.length) await new Promise((done) => setTimeout(done, 50)); }
}
