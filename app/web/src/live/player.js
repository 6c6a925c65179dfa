// The clock of the page: plays the take at display rate, live or in review, with a jitter buffer.

import { FPS } from "./bounds.js";
import { Take } from "./take.js";

const REMADE = 60; // poses ahead of the newest that are asked for of a take that is made again
const FIRST_BUFFER = 3; // poses before the first one is shown
const LEAST_BUFFER = 4;
const MOST_BUFFER = 20;
const LONGEST_STEP = 0.1; // s; after a longer hiccup of the page the motion slips instead of skipping
const CALM_MS = 20000; // without a stall before the buffer shrinks again
const HURRIED_MS = 8000; // the same while driving

export class Player {
  constructor() {
    this.roundTrip = 0; // seconds to the server and back
    this.shortest = null;
    this.known = 0;
    this.reset();
  }

  reset(take = new Take()) {
    this.take = take;
    this.live = take.first; // the newest pose that was shown
    this.time = take.first; // the pose on the screen
    this.reviewing = false;
    this.paused = false;
    this.stalled = true;
    this.growing = false; // the server is computing
    this.target = this.least;
    this.stalls = 0;
    this.calm = 0;
    this.fresh = true;
  }

  get buffered() {
    return Math.max(this.take.end - 1 - this.live, 0);
  }

  get atEnd() {
    return !this.reviewing && this.buffered <= 0;
  }

  get playing() {
    return !this.paused && this.take.length > 0 && !(this.atEnd && !this.growing);
  }

  // Whether the server makes again what is `known` to become so many poses: it comes as fast as it can be made,
  // and all that is there can be looked at.
  get remaking() {
    return this.growing && this.take.end < this.known;
  }

  // Poses to ask of the server beyond the one shown.
  get lead() {
    if (this.remaking) return REMADE;
    const onTheWay = this.hurries ? 1 : Math.max(Math.ceil(this.roundTrip * FPS), 1); // in a hurry, stalls say what is needed
    return this.target + onTheWay;
  }

  // Keep few poses ahead, so that what is wanted is soon seen; null for as many as are safe.
  set shortest(least) {
    this.hurries = least !== null;
    this.target = this.least = least ?? LEAST_BUFFER;
  }

  // Take back up where a page that was reloaded had been: show the newest pose at once.
  catchUp() {
    this.live = this.time = Math.max(this.take.end - 1, this.take.first);
  }

  seek(time) {
    if (!this.take.length) return;
    this.time = Math.min(Math.max(time, this.take.first), this.live);
    this.reviewing = this.time < this.live;
  }

  goLive() {
    this.known = 0;
    this.time = this.live;
    this.reviewing = this.paused = false;
  }

  // Advance by `seconds`; say whether the pose on the screen changed.
  tick(seconds) {
    const before = this.time;
    this.live = Math.max(this.live, this.take.first, this.known ? this.take.end - 1 : 0);
    this.reviewing ||= this.remaking;
    if (this.take.length && !this.paused) {
      if (this.reviewing) {
        this.time = Math.min(Math.max(this.time + seconds * FPS, this.take.first), this.live);
        if (this.time >= this.live && !this.remaking) this.goLive();
      } else {
        this.tickLive(seconds);
      }
    }
    return this.time !== before;
  }

  tickLive(seconds) {
    const last = this.take.end - 1;
    if (this.stalled) {
      const enough = this.fresh ? FIRST_BUFFER : this.target;
      if (this.growing && this.buffered < enough) return;
      if (this.buffered <= 0) return;
      this.stalled = this.fresh = false;
    }
    this.live = Math.min(this.live + Math.min(seconds, LONGEST_STEP) * FPS * this.rate, last);
    this.time = this.live;
    this.calm += seconds * 1000;
    if (this.live >= last && this.growing) {
      this.stalled = true;
      this.stalls += 1;
      this.calm = 0;
      this.target = Math.min(this.target + this.least - 1, MOST_BUFFER);
    } else if (this.calm > (this.hurries ? HURRIED_MS : CALM_MS) && this.target > this.least) {
      this.calm = 0;
      this.target -= 1;
    }
  }

  // A little slower while the buffer is short, a little faster while it is long; never visibly.
  get rate() {
    if (!this.growing) return 1;
    const low = this.target / 2;
    const high = this.target + 16;
    if (this.buffered < low) return 1 - 0.1 * (1 - this.buffered / low);
    if (this.buffered > high) return Math.min(1.1, 1 + (0.1 * (this.buffered - high)) / high);
    return 1;
  }
}
