// One WebSocket that comes back by itself; the server keeps the take or the world meanwhile.

import { VERSION } from "./constants.js";
import { packJson, unpack } from "./protocol.js";

const REFUSED = 4000;
const REPLACED = 4001;
const RETRY_MS = [300, 700, 1500, 3000, 5000];

export class Socket {
  // `resume()` -> more fields of the hello; `receive(message)`; `status("connecting" | "open" | "lost" | "refused" | "replaced")`
  constructor({ url, session, resume, receive, status }) {
    Object.assign(this, { url, session, resume, receive, status });
    this.failures = 0;
    this.connect();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    this.timer = null;
    this.status(this.failures ? "lost" : "connecting");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.failures = 0;
      const sent = performance.now();
      this.roundTrip = null;
      this.arrived = () => (this.roundTrip ??= (performance.now() - sent) / 1000);
      this.send("hello", { version: VERSION, session: this.session, ...this.resume() });
      this.status("open");
    };
    socket.onmessage = (event) => {
      this.arrived(); // the server answers a hello at once
      this.receive(unpack(event.data));
    };
    socket.onclose = (event) => this.closed(event.code);
  }

  closed(code) {
    if (code === REPLACED) return this.status("replaced");
    this.status(code === REFUSED ? "refused" : "lost");
    const wait = code === REFUSED ? 15000 : RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), wait);
  }

  hurry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.connect();
  }

  send(tag, fields = {}) {
    if (this.open) this.socket.send(packJson(tag, fields));
    return this.open;
  }

  sendBytes(bytes) {
    if (this.open) this.socket.send(bytes);
    return this.open;
  }
}

export function sessionId() {
  // kept per tab, so that a reload finds its take and two tabs do not share one
  const kept = sessionStorage.getItem("livestep-session");
  if (kept) return kept;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  sessionStorage.setItem("livestep-session", id);
  return id;
}
