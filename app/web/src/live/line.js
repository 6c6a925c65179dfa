// What a WebSocket does, by requests that proxies let through: app/live/line.py's other end.

import { ACK, SHOWN } from "./constants.js";
import { randomId } from "./random_id.js";

const CLOSED = 0xffff0000;
const REFUSED = 4000;
const LOST = 1006;
const LENGTH_BYTES = 4;

export class Line {
  constructor(url) {
    this.url = `${url}/${randomId()}`;
    this.readyState = WebSocket.CONNECTING;
    this.unsent = [];
    this.ending = new AbortController();
    this.listen();
  }

  // ---- from the server

  async listen() {
    const { signal } = this.ending;
    const code = await fetch(this.url, { cache: "no-store", signal })
      .then((reply) => (reply.ok ? this.read(reply.body.getReader()) : LOST))
      .catch(() => LOST);
    this.readyState = WebSocket.CLOSED;
    this.onclose({ code: this.refusal ? REFUSED : code, reason: this.refusal });
  }

  // Hand over messages until the end; returns its code.
  async read(reader) {
    let bytes = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return LOST;
      this.begin();
      const before = bytes;
      bytes = new Uint8Array(before.length + value.length);
      bytes.set(before);
      bytes.set(value, before.length);
      for (let length; bytes.length >= LENGTH_BYTES; bytes = bytes.slice(LENGTH_BYTES + length)) {
        length = new DataView(bytes.buffer).getUint32(0, true);
        if (length >= CLOSED) return length - CLOSED;
        if (bytes.length < LENGTH_BYTES + length) break;
        if (length) this.onmessage({ data: bytes.slice(LENGTH_BYTES, LENGTH_BYTES + length).buffer });
      }
    }
  }

  begin() {
    if (this.readyState !== WebSocket.CONNECTING) return;
    this.readyState = WebSocket.OPEN;
    this.onopen();
  }

  close() {
    this.ending.abort();
  }

  // ---- to the server

  send(message) {
    const bytes = new Uint8Array(message.buffer ?? message);
    // what says how far the page is counts once, as its newest word
    if (bytes[0] === ACK || bytes[0] === SHOWN) this.unsent = this.unsent.filter((other) => other[0] !== bytes[0]);
    this.unsent.push(bytes);
    if (!this.posting) this.post();
  }

  // One request after the other, so that messages stay in order.
  async post() {
    this.posting = true;
    while (this.unsent.length && this.readyState === WebSocket.OPEN) {
      const parts = this.unsent.splice(0).flatMap((bytes) => [new Uint32Array([bytes.length]), bytes]);
      const { signal } = this.ending;
      const reply = await fetch(this.url, { method: "POST", body: new Blob(parts), signal }).catch(() => null);
      if (reply?.status === 403) this.refusal = (await reply.json().catch(() => ({}))).message;
      if (!reply?.ok) this.close();
    }
    this.posting = false;
  }
}
