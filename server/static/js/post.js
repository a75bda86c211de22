// Requests of the queue page, and the verdicts that still have to be sent.
export async function post(url, token, fields = {}) {
  const response = await fetch(url, { method: "POST", headers: { "X-CSRFToken": token }, body: new URLSearchParams(fields), redirect: "manual" });
  if (response.type === "opaqueredirect" || response.status === 403) throw new Error("signed-out");
  if (response.status >= 500) throw new Error("server");
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

  constructor(url, token, onChange, onAnswer) { Object.assign(this, { url, token, onChange, onAnswer }); }

  add(verdict) { this.waiting.push(verdict); this.onChange(this.waiting.length, ""); this.flush(); }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    while (this.waiting.length) {
      try {
        const response = await post(this.url, this.token, this.waiting[0]);
        const verdict = this.waiting.shift();
        this.pause = 500;
        this.onChange(this.waiting.length, "");
        this.onAnswer(verdict, await response.json());
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
