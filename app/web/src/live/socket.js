// One connection that comes back by itself; the server keeps the take or the world meanwhile.

import { VERSION } from "./constants.js";
import { Line } from "./line.js";
import { packJson, unpack } from "./protocol.js";
import { randomId } from "./random_id.js";

const REFUSED = 4000;
const REPLACED = 4001;
const RETRY_MS = [300, 700, 1500, 3000, 5000];
const OPEN_MS = 6000; // some proxies hold on to what they do not understand
const PROVEN = 4; // failures after which a network that let WebSockets through is doubted
export const SLOW =
  "No WebSocket comes through here, so the page uses plain requests, which are slower; a proxy on the way would have to pass on Upgrade.";

export class Socket {
  // `resume()` -> more fields of the hello; `receive(message)`; `say(sentence)`;
  // `status("connecting" | "open" | "lost" | "refused" | "replaced")`
  constructor({ url, session, resume, receive, say, status }) {
    Object.assign(this, { url, session, resume, receive, say, status });
    this.failures = 0;
    this.proven = false; // a WebSocket was open once
    this.slow = false; // without a WebSocket
    this.connect();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    this.timer = null;
    this.status(this.failures > 1 || this.proven ? "lost" : "connecting");
    const socket = this.slow ? new Line(this.url) : new WebSocket(this.url.replace(/^http/, "ws"));
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    const late = setTimeout(() => socket.close(), OPEN_MS);
    let opened = false;
    socket.onopen = () => {
      clearTimeout(late);
      opened = true;
      this.opened();
    };
    socket.onmessage = (event) => {
      this.arrived(); // the server answers a hello at once
      this.receive(unpack(event.data));
    };
    socket.onclose = (event) => {
      clearTimeout(late);
      this.closed(event, opened);
    };
  }

  opened() {
    this.failures = 0;
    this.proven ||= !this.slow;
    const sent = performance.now();
    this.roundTrip = null;
    this.arrived = () => (this.roundTrip ??= (performance.now() - sent) / 1000);
    this.send("hello", { version: VERSION, session: this.session, ...this.resume() });
    this.status("open");
  }

  closed({ code, reason }, opened) {
    if (code === REPLACED) return this.status("replaced");
    if (reason) this.say(reason);
    this.slow = !opened && !this.slow && (!this.proven || this.failures >= PROVEN);
    const wait = code === REFUSED ? 15000 : RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    if (code === REFUSED) this.status("refused");
    else if (this.failures > 1 || opened) this.status("lost");
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

const KEPT = "livestep-session";
let session; // of a tab whose storage is blocked, as in frames of other sites

// Kept per tab, so that a reload finds its take and two tabs do not share one.
export function sessionId() {
  try {
    session ??= sessionStorage.getItem(KEPT) ?? randomId();
    sessionStorage.setItem(KEPT, session);
  } catch {
    session ??= randomId();
  }
  return session;
}
