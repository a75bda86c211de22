// Requests of the queue page, and the verdicts that still have to be sent.
const PATIENCE_MS = 15000;

// Signing in again changes the token: the cookie knows the one that holds now.
export const token = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";

export async function post(url, fields = {}) {
  const response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token() }, body: new URLSearchParams(fields), redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (response.type === "opaqueredirect" || response.status === 403) throw new Error("signed-out");
  if (!response.ok && response.status !== 400) throw new Error("offline");
  return response;
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

  constructor(url, onChange, onAnswer) { Object.assign(this, { url, onChange, onAnswer }); }

  add(verdict) { this.waiting.push(verdict); this.onChange(this.waiting.length, ""); this.flush(); }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length) {
      try {
        const answer = await (await post(this.url, this.waiting[0])).json();
        this.waiting.shift();
        this.pause = 500;
        this.onChange(this.waiting.length, answer.error ? "refused" : "");
        this.onAnswer(answer);
      } catch (error) {
        this.onChange(this.waiting.length, error.message === "signed-out" ? "signed-out" : "offline");
        await new Promise((done) => setTimeout(done, this.pause));
        this.pause = Math.min(this.pause * 2, 15000);
      }
    }
    this.busy = false;
  }

  async drained() { while (this.waiting.length) await new Promise((done) => setTimeout(done, 50)); }
}
