// What counts as a manifest, for the command line and for the server: the name ends in .yaml, .yml or .json, the bytes are
// UTF-8. Node would put a replacement character where they are not, and a policy would then look for another name than
// the one that was meant; so the place is told instead, as Kubernetes' YAML reader refuses such a file.

import { isUtf8 } from "node:buffer";

export const manifestEndings = [".yaml", ".yml", ".json"];

/** Whether a file's name says that it is a manifest. */
export function isManifestName(path: string): boolean {
  return manifestEndings.some((ending) => path.endsWith(ending));
}

/** A file whose bytes are no text; the message begins with the place: `FILE:LINE:COLUMN: …`. */
export class NotTextError extends Error {}

/** The text of a file's bytes. Throws NotTextError. */
export function manifestText(file: string, bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  const mark = buffer.subarray(0, 2).toString("hex");
  if (mark === "fffe" || mark === "feff") throw new NotTextError(`${file}:1:1: the file is UTF-16 (save it as UTF-8)`);
  throw new NotTextError(`${placeOfBadByte(file, buffer)}: these bytes are not UTF-8 (save the file as UTF-8)`);
}

function placeOfBadByte(file: string, bytes: Buffer): string {
  let start = 0;
  for (let line = 1; ; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const text = bytes.subarray(start, end);
    if (!isUtf8(text) || newline === -1) {
      const column = text.toString("utf8").indexOf("\uFFFD") + 1;
      return `${file}:${line}:${Math.max(1, column)}`;
    }
    start = newline + 1;
  }
}
