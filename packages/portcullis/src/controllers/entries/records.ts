// What all replicas have let through, known to each of them. A replica notes every write that it lets through (32 bits of a hash
// of whose policies were asked, the uid and the time of the write), and its own Lease, which it renews every few seconds
// anyway, carries what it noted in the last half minute: at rest nothing is written for it, nobody needs an address of the
// others or a right to ask them, and whoever leads next knows as much as who led before. Everybody watches the Leases.
//
// Whether a write was let through by nobody can be told once every living replica has renewed its Lease twice after the write was
// seen: what is sent with the second one was put together after it. A replica that has died takes with it what it noted since it
// renewed last; what entered about then may have been asked about, or not.
//
// Clocks of machines differ, and jump. Here everything is on a clock of the process that nobody sets; what Leases say is in
// milliseconds since 1970, and is brought onto that clock as it comes.

import { hash } from "node:crypto";
import { nameOf, stringAt } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";
import type { EntryNote } from "../../server/decided.ts";
import type { Dialect } from "../webhooks/wanted.ts";

/** The annotation of a replica's Lease. */
export const admittedAnnotation = "portcullis.dev/admitted";

export interface Records {
  note(note: EntryNote): void;
  /** What our own Lease is to carry now. */
  annotation(): string;
  /** A Lease of a replica, as it is now. */
  take(lease: ClusterObject): void;
  /** A Lease is gone. */
  lose(lease: ClusterObject): void;
  /** Whether we noted then what is remembered no more. */
  hasForgotten(seenMs: number): boolean;
  /** About a write that was seen `seenMs`. */
  judge(write: JudgedWrite): Judgement;
}

interface JudgedWrite {
  readonly uid: string;
  readonly at: string;
  readonly asked: readonly Dialect[];
  /** When it was seen, on our steady clock; for what was there before us, when it was written. */
  readonly seenMs: number;
}

/** `wait`: a replica has not yet said what it let through. `unknown`: one that was alive then never will. */
type Judgement = "asked" | "wait" | "unknown" | "unchecked";

/** How long a Lease carries what was noted. */
const carriedMs = 30_000;
/** At most so many: with four bytes each, in base64, 43 KiB. */
const carriedMax = 8192;
/** How long notes are remembered: until somebody else leads. */
const rememberedMs = 120_000;
/** A replica that does not renew for so long is gone. */
const goneMs = 15_000;
/** So long after its last renewal a replica may still have lived. */
const lastBreathMs = 10_000;
/** By so much clocks may differ, where they have to be compared. */
const clockMs = 5000;

/** All on our steady clock. */
interface Member {
  readonly lease: string;
  /** When its process began. */
  readonly startMs: number;
  /** From when on we know all that it noted. */
  knownFromMs: number;
  /** When it put together what it sent last, and what stood there for it. */
  composedMs: number;
  sentAt: number;
  /** When we heard its last renewals, the newest last. */
  seenMs: readonly number[];
  /** Of one that is gone: up to when we know what it noted, and up to when it may have noted. */
  gone: { readonly knownToMs: number; readonly aliveToMs: number } | null;
}

/** Moments in milliseconds since 1970, on the clock of who sent it. */
interface Sent {
  /** Of the process. */
  readonly id: string;
  readonly start: number;
  readonly from: number;
  readonly at: number;
  readonly admitted: string;
}

/** Moments are on the steady clock. */
interface State extends RecordsClocks {
  /** Another one for each process. */
  readonly id: string;
  readonly startMs: number;
  readonly noted: { readonly atMs: number; readonly mark: number }[];
  /** From when on `noted` is complete. */
  fromMs: number;
  /** Mark → until when it is remembered. */
  readonly known: Map<number, number>;
  readonly members: Map<string, Member>;
  prunedMs: number;
}

export interface RecordsClocks {
  /** Since 1970. */
  readonly epochMs: () => number;
  /** Of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

export const hostClocks: RecordsClocks = { epochMs: Date.now, steadyMs: () => performance.now() };

/** A moment since 1970 on the steady clock. */
export function steadyOf({ epochMs, steadyMs }: RecordsClocks, atMs: number): number {
  return steadyMs() - (epochMs() - atMs);
}

/** A moment of the steady clock since 1970. */
function epochOf({ epochMs, steadyMs }: RecordsClocks, atMs: number): number {
  return epochMs() - (steadyMs() - atMs);
}

/** `id` is another one for each process. */
export function createRecords(id: string, clocks: RecordsClocks = hostClocks): Records {
  const { steadyMs } = clocks;
  const startMs = steadyMs();
  const state: State = {
    ...clocks,
    id,
    startMs,
    noted: [],
    fromMs: startMs,
    known: new Map(),
    members: new Map(),
    prunedMs: startMs,
  };
  return {
    note: (note) => {
      for (const dialect of note.dialects) {
        const mark = markOf(dialect, note.uid, note.at);
        state.noted.push({ atMs: steadyMs(), mark });
        remember(state, mark);
      }
      if (state.noted.length > 2 * carriedMax) trim(state);
      prune(state);
    },
    annotation: () => {
      trim(state);
      const marks = Uint32Array.from(state.noted, ({ mark }) => mark);
      const admitted = Buffer.from(marks.buffer).toString("base64");
      const [start, from] = [epochOf(clocks, startMs), epochOf(clocks, state.fromMs)];
      return JSON.stringify({ id, start, from, at: clocks.epochMs(), admitted } satisfies Sent);
    },
    take: (lease) => take(state, lease),
    lose: (lease) => {
      for (const member of state.members.values()) if (member.lease === nameOf(lease)) end(member, true);
    },
    hasForgotten: (seenMs) => seenMs > startMs - clockMs && seenMs < steadyMs() - rememberedMs + clockMs,
    judge: (judged) => judge(state, judged),
  };
}

function remember({ known, steadyMs }: State, mark: number): void {
  known.set(mark, steadyMs() + rememberedMs);
}

function prune(state: State): void {
  const nowMs = state.steadyMs();
  if (nowMs - state.prunedMs < 10_000) return;
  state.prunedMs = nowMs;
  for (const [mark, untilMs] of state.known) if (untilMs < nowMs) state.known.delete(mark);
  for (const [key, { gone }] of state.members) {
    if (gone !== null && gone.aliveToMs < nowMs - 10 * rememberedMs) state.members.delete(key);
  }
}

/** Drops what is not carried any more. */
function trim(state: State): void {
  const { noted, steadyMs } = state;
  const oldMs = steadyMs() - carriedMs;
  let drop = Math.max(0, noted.length - carriedMax);
  while (drop < noted.length && (noted[drop]?.atMs ?? Infinity) < oldMs) drop++;
  if (drop === 0) return;
  state.fromMs = Math.max(state.fromMs, noted[drop - 1]?.atMs ?? oldMs);
  noted.splice(0, drop);
}

// ── the others

function take(state: State, lease: ClusterObject): void {
  const { id, members } = state;
  const sent = sentIn(lease);
  if (sent === null) return;
  prune(state);
  if (sent.id === id) {
    retire(members, nameOf(lease), "");
    return;
  }
  const key = `${nameOf(lease)} ${sent.id}`;
  const known = members.get(key);
  if (known === undefined) {
    retire(members, nameOf(lease), key);
    members.set(key, newMember(state, lease, sent));
  } else if (sent.at !== known.sentAt) {
    const fromMs = steadyOf(state, sent.from);
    // What it noted between the two is in neither.
    if (fromMs > known.composedMs) known.knownFromMs = fromMs;
    known.seenMs = [...known.seenMs.slice(-1), state.steadyMs()];
    known.composedMs = steadyOf(state, sent.at);
    known.sentAt = sent.at;
    known.gone = null;
  } else return;
  for (const mark of marksIn(sent)) remember(state, mark);
}

function newMember(state: State, lease: ClusterObject, { start, from, at }: Sent): Member {
  // Whether it still runs only its own clock tells, until it renews again.
  const isRunning = Math.abs(state.epochMs() - at) < goneMs;
  return {
    lease: nameOf(lease),
    startMs: steadyOf(state, start),
    knownFromMs: steadyOf(state, from),
    composedMs: steadyOf(state, at),
    sentAt: at,
    seenMs: [isRunning ? state.steadyMs() : -Infinity],
    gone: null,
  };
}

/** Another process of that name has begun. */
function retire(members: State["members"], lease: string, except: string): void {
  for (const [key, member] of members) if (member.lease === lease && key !== except) end(member, false);
}

/** `isLeft`: it took its Lease away, after it had told all. */
function end(member: Member, isLeft: boolean): void {
  if (member.gone !== null) return;
  const last = member.seenMs.at(-1) ?? -Infinity;
  const before = member.seenMs.length > 1 ? (member.seenMs[0] ?? -Infinity) : null;
  // Of one that we never saw renewing only its own clock tells.
  member.gone =
    before === null
      ? { knownToMs: member.composedMs - clockMs, aliveToMs: member.composedMs + lastBreathMs + clockMs }
      : { knownToMs: (isLeft ? last : before) - 1000, aliveToMs: last + lastBreathMs };
}

function judge({ members, known, steadyMs }: State, { uid, at, asked, seenMs }: JudgedWrite): Judgement {
  if (asked.every((dialect) => known.has(markOf(dialect, uid, at)))) return "asked";
  let judgement: Judgement = "unchecked";
  for (const member of members.values()) {
    if (member.gone === null && steadyMs() - (member.seenMs.at(-1) ?? -Infinity) > goneMs) end(member, false);
    if (member.gone === null) {
      if (member.seenMs.filter((renewedMs) => renewedMs > seenMs).length < 2) return "wait";
      if (isIncomplete(member, seenMs)) judgement = "unknown";
    } else if (isIncomplete(member, seenMs) || mayHaveLived(member.gone, seenMs)) judgement = "unknown";
  }
  return judgement;
}

/** It lived then, and what it noted was no longer among what it sent when we began to listen. */
function isIncomplete({ startMs, knownFromMs }: Member, seenMs: number): boolean {
  return knownFromMs > startMs && seenMs >= startMs - clockMs && seenMs < knownFromMs;
}

function mayHaveLived({ knownToMs, aliveToMs }: NonNullable<Member["gone"]>, seenMs: number): boolean {
  return seenMs > knownToMs && seenMs <= aliveToMs;
}

function sentIn(lease: ClusterObject): Sent | null {
  const text = stringAt(lease, "metadata", "annotations", admittedAnnotation);
  if (text === "") return null;
  try {
    const sent = JSON.parse(text) as Sent;
    const isSent = [sent.start, sent.from, sent.at].every(Number.isFinite) && typeof sent.admitted === "string";
    return isSent ? sent : null;
  } catch {
    return null;
  }
}

function marksIn({ admitted }: Sent): Uint32Array {
  const bytes = new Uint8Array(Buffer.from(admitted, "base64"));
  return new Uint32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / 4));
}

function markOf(dialect: string, uid: string, at: string): number {
  return hash("sha1", `${dialect} ${uid} ${at}`, "buffer").readUInt32LE(0);
}
