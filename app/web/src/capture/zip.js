// Files as one: a ZIP archive that stores them as they are.

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8 = 0x0800; // names are written in it
const VERSION = 20;
const DAY = 0x21; // the first that an archive can tell; ours tells none

const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  for (let bit = 0; bit < 8; bit++) i = i & 1 ? (i >>> 1) ^ 0xedb88320 : i >>> 1;
  return i;
});

// Pack files into one that is called `name`.
export async function zip(files, name) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const title = new TextEncoder().encode(file.name);
    const about = [VERSION, UTF8, 0, 0, DAY, [crc32(bytes)], [bytes.length], [bytes.length], title.length, 0];
    const head = record([[LOCAL], ...about]);
    directory.push(record([[CENTRAL], VERSION, ...about, 0, 0, 0, [0], [offset]]), title);
    parts.push(head, title, bytes);
    offset += head.length + title.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = record([[END], 0, 0, files.length, files.length, [length], [offset], 0]);
  return new File([...parts, ...directory, end], name, { type: "application/zip" });
}

// Numbers of two bytes, or of four where they stand in brackets.
function record(fields) {
  const bytes = fields.flatMap((field) => {
    const [number, size] = Array.isArray(field) ? [field[0], 4] : [field, 2];
    return Array.from({ length: size }, (_, i) => (number >>> (8 * i)) & 255);
  });
  return Uint8Array.from(bytes);
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
