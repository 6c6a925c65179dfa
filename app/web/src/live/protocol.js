// Messages between page and server: packed and unpacked as app/protocol.py does.

import {
  ACK, ACK_BYTES, FRAME, FRAME_HEADER_BYTES, JSON_MESSAGE, KEYS, KEYS_BYTES, PAGE_TAGS, PLACE_BYTES, PLACED,
  POSES_HEADER_BYTES, SHOWN, SHOWN_BYTES,
} from "./constants.js";

export function packJson(tag, fields) {
  if (!PAGE_TAGS.includes(tag)) throw new Error(`unknown message ${tag}`);
  const text = new TextEncoder().encode(JSON.stringify({ tag, ...fields }));
  const bytes = new Uint8Array(text.length + 1);
  bytes[0] = JSON_MESSAGE;
  bytes.set(text, 1);
  return bytes;
}

export function packAck({ lead, take, received, shown }) {
  const view = new DataView(new ArrayBuffer(ACK_BYTES));
  view.setUint8(0, ACK);
  view.setUint16(2, lead, true);
  view.setUint32(4, take, true);
  view.setUint32(8, received, true);
  view.setFloat32(12, shown, true);
  return view.buffer;
}

// The keys held from now on; `seq` grows with every change of them.
export function packKeys({ mask, seq }) {
  const view = new DataView(new ArrayBuffer(KEYS_BYTES));
  view.setUint8(0, KEYS);
  view.setUint16(2, mask, true);
  view.setUint32(4, seq, true);
  return view.buffer;
}

// The newest frame on the screen.
export function packShown(index) {
  const view = new DataView(new ArrayBuffer(SHOWN_BYTES));
  view.setUint8(0, SHOWN);
  view.setUint32(4, index, true);
  return view.buffer;
}

// ArrayBuffer -> a JSON message, or {tag: "frame", ...}, or {tag: "poses", ...}
export function unpack(buffer) {
  const view = new DataView(buffer);
  const kind = view.getUint8(0);
  if (kind === JSON_MESSAGE) return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 1)));
  return kind === FRAME ? unpackFrame(buffer, view) : unpackPoses(buffer, view);
}

function unpackFrame(buffer, view) {
  const flags = view.getUint8(1);
  const end = buffer.byteLength - (flags & PLACED ? PLACE_BYTES : 0);
  return {
    tag: "frame",
    flags,
    mask: view.getUint16(2, true),
    index: view.getUint32(4, true),
    seq: view.getUint32(8, true), // the newest change of keys that it obeys
    milliseconds: view.getFloat32(12, true),
    jpeg: new Uint8Array(buffer, FRAME_HEADER_BYTES, end - FRAME_HEADER_BYTES),
    // x, y, degrees, and the units by which that may be off; null where nobody knows
    place: flags & PLACED ? [0, 4, 8, 12].map((at) => view.getFloat32(end + at, true)) : null,
  };
}

function unpackPoses(buffer, view) {
  const count = view.getUint16(8, true);
  const joints = view.getUint16(10, true);
  const root = new Float32Array(buffer, POSES_HEADER_BYTES, count * 3);
  const halves = new Uint16Array(buffer, POSES_HEADER_BYTES + root.byteLength, count * joints * 4);
  const rotations = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) rotations[i] = fromHalf(halves[i]);
  return {
    tag: "poses",
    prompt: view.getUint16(2, true),
    first: view.getUint32(4, true),
    milliseconds: view.getFloat32(12, true),
    count,
    joints,
    root,
    rotations,
  };
}

function fromHalf(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
