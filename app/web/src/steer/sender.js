// Wishes on their way to the server: numbered, never the same twice, not more often than it reads.

const LEAST_MS = 60;

export class Sender {
  // `send(message)` -> whether there was a connection
  constructor(send) {
    this.send = send;
    this.id = 0;
    this.said = "{}"; // what the server knows
    this.wanted = null;
    this.timer = null;
    this.before = -Infinity;
  }

  // Returns the number that these wishes have or will have.
  push(wishes) {
    this.wanted = wishes;
    const wait = this.before + LEAST_MS - performance.now();
    if (wait <= 0) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), wait);
    return this.timer === null ? this.id : this.id + 1;
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    const text = JSON.stringify(this.wanted ?? {});
    if (text === this.said) return;
    if (!this.send({ id: this.id + 1, wishes: this.wanted })) return;
    this.id += 1;
    this.said = text;
    this.before = performance.now();
  }

  // A new take knows what its start brought.
  began(wishes) {
    clearTimeout(this.timer);
    this.timer = null;
    this.wanted = wishes;
    this.said = JSON.stringify(wishes);
  }
}
