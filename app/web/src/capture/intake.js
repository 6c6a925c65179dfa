// Files on their way to the server: chosen, dropped or recorded; with progress, and stopped at will.

import { MOST_UPLOAD } from "../live/constants.js";
import { takeFiles } from "../live/files.js";

export class Intake {
  // Files go to `address`; `take(files)` when some were chosen
  constructor(root, { address, take }) {
    Object.assign(this, { root, address, take });
    this.request = null;
    this.share = 0;
    this.input = root.querySelector("[name=lf-file]");
    const over = (on) => root.classList.toggle("lf-over", on);
    takeFiles({ root, input: this.input, over, take });
  }

  get sending() {
    return this.request !== null;
  }

  open() {
    this.input.click();
  }

  fits(file) {
    return file.size > 0 && file.size <= MOST_UPLOAD;
  }

  refusal(file) {
    if (!file.size) return `${file.name} is empty.`;
    return `${file.name} has ${Math.round(file.size / 1e6)} MB; ${MOST_UPLOAD / 2 ** 20} MB are the most. Cut out the part you want.`;
  }

  // Give the server a file; resolves to what it says of it, throws a sentence.
  upload(file, change) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how far it is
      const fail = (message) => reject(new Error(message));
      request.open("POST", `${this.address}?name=${encodeURIComponent(file.name)}`);
      request.responseType = "json";
      request.upload.onprogress = ({ loaded, total }) => {
        this.share = loaded / Math.max(total, 1);
        change();
      };
      request.onload = () => {
        const reply = request.response ?? {};
        if (request.status === 200) resolve(reply);
        else fail(reply.message ?? `The server answered ${request.status}.`);
      };
      request.onerror = () => fail("The file could not be sent; check the connection and try again.");
      request.onabort = () => fail("Sending the file was cancelled.");
      request.onloadend = () => {
        this.request = null;
      };
      this.request = request;
      this.share = 0;
      request.send(file);
      change();
    });
  }

  cancel() {
    this.request?.abort();
  }
}
