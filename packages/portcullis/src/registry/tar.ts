// The files of a tar archive, in memory: ustar names with their prefix, pax paths, GNU's long names. Folders, links and
// devices are passed over: what we read are manifests, and a link could lead anywhere. A name that leaves its folder, or
// begins at the root, refuses the whole archive, as does a header whose checksum is wrong.
// POSIX.1-2017 pax, ustar Interchange Format.

import { RegistryError } from "./reference.ts";

export interface TarFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface TarLimits {
  readonly entriesMax: number;
  /** Of one file. */
  readonly bytesMax: number;
}

const block = 512;

/** Throws RegistryError. */
export function readTar(archive: Uint8Array, { entriesMax, bytesMax }: TarLimits): readonly TarFile[] {
  const files: TarFile[] = [];
  let longName: string | null = null;
  let entries = 0;
  for (let at = 0; at + block <= archive.length;) {
    const header = archive.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) break;
    if (++entries > entriesMax) throw new RegistryError(`the archive has more than ${entriesMax} entries`);
    checkHeader(header, at);
    const size = numberAt(header, 124, 12);
    const from = at + block;
    if (from + size > archive.length) throw new RegistryError("the archive ends within a file");
    const body = archive.subarray(from, from + size);
    at = from + Math.ceil(size / block) * block;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === "x") longName = paxPath(body) ?? longName;
    else if (type === "L") longName = textIn(body);
    else if (type !== "g" && type !== "K") {
      const name = longName ?? ustarName(header);
      longName = null;
      checkName(name);
      if (type !== "0" && type !== "\0") continue;
      if (size > bytesMax) throw new RegistryError(`${name}: ${size} bytes are more than the ${bytesMax} allowed`);
      files.push({ name: name.replace(/^(?:\.\/)+/, ""), bytes: body });
    }
  }
  return files;
}

/** Names that stay below the folder they are in. Throws RegistryError. */
export function checkName(name: string): void {
  const isOutside = name.startsWith("/") || name.includes("\0") || name.includes("\\") || /^[A-Za-z]:/.test(name);
  if (isOutside || name.split("/").includes("..")) {
    throw new RegistryError(`path traversal disallowed: ${JSON.stringify(name.slice(0, 200))}`);
  }
}

function checkHeader(header: Uint8Array, at: number): void {
  let sum = 0;
  for (const [index, byte] of header.entries()) sum += index >= 148 && index < 156 ? 32 : byte;
  if (sum !== numberAt(header, 148, 8)) throw new RegistryError(`no tar header at byte ${at}`);
}

/** Octal text, or GNU's base 256 for what does not fit. */
function numberAt(header: Uint8Array, from: number, length: number): number {
  const field = header.subarray(from, from + length);
  if (((field[0] ?? 0) & 0x80) !== 0) throw new RegistryError("a file in the archive is too large");
  const text = textIn(field).trim();
  if (!/^[0-7]*$/.test(text)) throw new RegistryError("a number in the archive is unreadable");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function ustarName(header: Uint8Array): string {
  const name = textIn(header.subarray(0, 100));
  const isUstar = textIn(header.subarray(257, 262)) === "ustar";
  const prefix = isUstar && header[263] === 0x30 ? textIn(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Records are `LENGTH key=value\n`. */
function paxPath(body: Uint8Array): string | null {
  let found: string | null = null;
  for (let at = 0; at < body.length;) {
    const digits = /^\d+ /.exec(textIn(body.subarray(at, at + 12)))?.[0] ?? "";
    const length = Number(digits);
    if (digits === "" || length <= digits.length || at + length > body.length) {
      throw new RegistryError("a header of the archive is unreadable");
    }
    const record = Buffer.from(body.subarray(at + digits.length, at + length - 1)).toString("utf8");
    if (record.startsWith("path=")) found = record.slice("path=".length);
    at += length;
  }
  return found;
}

function textIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end === -1 ? bytes : bytes.subarray(0, end)).toString("utf8");
}
