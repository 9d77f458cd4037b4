// What Node gives to the pure packages: digests from node:crypto, time zones from Intl, code from node:vm, and the world of
// one decision with its fixed time and its own random numbers.

import { type Answer, type Host, type Need, Suspend, type World } from "@portcullis/lang";
import { compileFunction } from "node:vm";
import { type Crypto, nodeCrypto, nodeSignatures } from "./signatures.ts";
import { zoneName } from "./zonenames.ts";

const nodeHost: Host = {
  digest: (algorithm, bytes) => digestsFor(algorithm).createHash(algorithm).update(bytes).digest(),
  hmac: (algorithm, key, bytes) => digestsFor(algorithm).createHmac(algorithm, key).update(bytes).digest(),
  zone: zoneAt,
  signatures: nodeSignatures,
};

let knownDigests: ReadonlySet<string> | null = null;

function digestsFor(algorithm: string): Crypto {
  const crypto = nodeCrypto();
  knownDigests ??= new Set(crypto.getHashes());
  if (!knownDigests.has(algorithm)) throw new RangeError(`unknown digest ${algorithm}`);
  return crypto;
}

/** Turns emitted JavaScript into a function of `parameters`, without a trace of the policy's own text in the code. */
export function loadCode(code: string, parameters: readonly string[]): (...args: readonly unknown[]) => unknown {
  return compileFunction(code, [...parameters]) as (...args: readonly unknown[]) => unknown;
}

/** The world of one decision that begins now. `answer` gives what is known about a need, without waiting; null: fetch it. */
export function worldNow(answer: (need: Need) => Answer | null): World {
  let seed: number | null = null;
  return {
    nowMs: Date.now(),
    random: (stream) => {
      seed ??= nodeCrypto().randomInt(2 ** 32);
      return randomStream(seed, stream);
    },
    host: nodeHost,
    ask: (needs) => askAll(needs, answer),
  };
}

/** What was fetched for a decision, by `needKey`. */
export type Fetched = ReadonlyMap<string, Answer>;

export function needKey({ kind, key }: Need): string {
  return `${kind} ${key}`;
}

/** The same world, which knows more. */
export function worldWith(world: World, fetched: Fetched, answer: (need: Need) => Answer | null): World {
  return { ...world, ask: (needs) => askAll(needs, (need) => fetched.get(needKey(need)) ?? answer(need)) };
}

function askAll(needs: readonly Need[], answer: (need: Need) => Answer | null): readonly Answer[] {
  const answers = needs.map((need) => answer(need));
  const missing = needs.filter((_, at) => answers[at] === null);
  if (missing.length > 0) throw new Suspend(missing);
  return answers.filter((one) => one !== null);
}

/** Numbers in [0, 1) that depend on seed and name only: FNV-1a over the name, then the splitmix32 sequence. */
function randomStream(seed: number, stream: string): () => number {
  let state = seed ^ 0x811c9dc5;
  for (let at = 0; at < stream.length; at++) state = Math.imul(state ^ stream.charCodeAt(at), 0x01000193);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 2 ** 32;
  };
}

// ── time zones

interface Zone {
  /** Its name in the database, where it was asked for by another one. */
  readonly id: string;
  readonly offset: Intl.DateTimeFormat;
  readonly names: readonly Intl.DateTimeFormat[];
}

const zones = new Map<string, Zone | null>();

/** Zones whose names a policy makes up are not remembered, so that it cannot fill the memory with them. */
function zoneAt(name: string, epochMs: number): ReturnType<Host["zone"]> {
  const zone = zones.get(name) ?? openZone(name);
  if (zone === null) return null;
  zones.set(name, zone);
  const date = new Date(epochMs);
  const offsetSeconds = offsetOf(partOf(zone.offset, date));
  return { offsetSeconds, abbreviation: abbreviationOf(zone, date, offsetSeconds) };
}

function openZone(name: string): Zone | null {
  const format = (locale: string, timeZoneName: "longOffset" | "short"): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat(locale, { timeZone: name, timeZoneName });
  try {
    const offset = format("en-US", "longOffset");
    const id = offset.resolvedOptions().timeZone;
    if (!isSpelledAsInDatabase(name, id)) return null;
    return { id, offset, names: locales.map((locale) => format(locale, "short")) };
  } catch {
    return null;
  }
}

/**
 * The database is files, whose names Go opens as they are written: `europe/berlin` is none, nor is `+05:00`. Intl does not
 * tell how another name of a zone is spelled; each of its parts begins with a capital, and none is in capitals throughout.
 */
function isSpelledAsInDatabase(name: string, id: string): boolean {
  if (name.toLowerCase() === id.toLowerCase()) return name === id && /^[A-Z]/.test(name);
  return (
    /^[A-Z]/.test(name) &&
    name.split("/").every((part, at) => at === 0 || /^(?:[A-Z][a-z]|[A-Z]{2,3}(?![A-Z]))/.test(part))
  );
}

/** Intl abbreviates a zone only for people who live near it, so several neighbourhoods are asked. */
const locales = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA", "en-NZ", "ja-JP"];

function partOf(format: Intl.DateTimeFormat, date: Date): string {
  return format.formatToParts(date).find((part) => part.type === "timeZoneName")?.value ?? "GMT";
}

/** Of `GMT`, `GMT+05:30`, `GMT-00:25:21`. */
function offsetOf(text: string): number {
  const match = /^GMT([+-])(\d+):(\d+)(?::(\d+))?$/.exec(text);
  if (match === null) return 0;
  const [, sign, hours, minutes, seconds = "0"] = match;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === "-" ? -size : size;
}

function abbreviationOf(zone: Zone, date: Date, offsetSeconds: number): string {
  const offset = offsetText(offsetSeconds);
  const known = zoneName(zone.id, offset);
  if (known !== undefined) return known;
  for (const format of zone.names) {
    const name = partOf(format, date);
    if (/^[A-Z]{3,5}$/.test(name)) return name;
  }
  return offset;
}

/** How the zone database names zones that have no other name: +03, +0545. */
function offsetText(offsetSeconds: number): string {
  const minutes = Math.abs(Math.trunc(offsetSeconds / 60));
  const hours = String(Math.trunc(minutes / 60)).padStart(2, "0");
  const rest = minutes % 60;
  return `${offsetSeconds < 0 ? "-" : "+"}${hours}${rest === 0 ? "" : String(rest).padStart(2, "0")}`;
}
