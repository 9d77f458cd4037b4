// What the server's thread and an evaluator thread say to each other.

import { errorReply } from "../server/routes.ts";
import { findReview } from "../server/review.ts";
import type { Tally } from "../server/tally.ts";
import type { Answer, Need } from "@portcullis/lang";
import type { EvaluatorSettings } from "./config.ts";
import type { DataChange } from "./objectshare.ts";
import type { Change, Evaluator, Question, Report, Result, Settled } from "./evaluator.ts";

export type ToThread =
  | { readonly kind: "prepare"; readonly change: Change }
  | { readonly kind: "release"; readonly version: number }
  /** Objects of the cluster have changed; policies see them from the next decision on. */
  | { readonly kind: "data"; readonly change: DataChange }
  | { readonly kind: "tally" }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question }
  /** What a question needed is there. */
  | { readonly kind: "resume"; readonly id: number; readonly answers: readonly Answer[] }
  /** A question that needed something is asked elsewhere, or not any more. */
  | { readonly kind: "forget"; readonly id: number };

export type FromThread =
  | { readonly kind: "prepared"; readonly report: Report }
  | { readonly kind: "failed"; readonly version: number; readonly message: string }
  | { readonly kind: "tallied"; readonly tallies: readonly Tally[] }
  | { readonly kind: "answered"; readonly id: number; readonly result: Sent };

/** A result on its way; how a question goes on stays with the thread. */
export type Sent = Settled | { readonly kind: "needs"; readonly needs: readonly Need[] };

/** What a thread is given when it starts. */
export interface ThreadData {
  /** The number of the policy that is running, -1 for none; and the end of its time, as a `stamp`. */
  readonly running: Int32Array;
  /** Up to which number questions need no answer, and which of them does. */
  readonly withdrawn: BigInt64Array;
  readonly settings: EvaluatorSettings;
}

/** A moment, in milliseconds, in a shared integer. */
function stamp(ms: number): number {
  return Math.floor(ms % stampRange);
}

const stampRange = 2 ** 31;

/** Milliseconds from a stamped moment to another one, which is not further away than some days. */
export function sinceStamp(stamped: number, ms: number): number {
  const apart = (stamp(ms) - stamped + stampRange) % stampRange;
  return apart < stampRange / 2 ? apart : apart - stampRange;
}

/** Tells the watchdog which policy runs, and until when. */
export function noteRunning(running: Int32Array, policy: number, deadlineMs: number): void {
  Atomics.store(running, 1, Number.isFinite(deadlineMs) ? stamp(deadlineMs) : -1);
  Atomics.store(running, 0, policy);
}

export function noteWithdrawn(withdrawn: BigInt64Array, upTo: number, but: number): void {
  Atomics.store(withdrawn, 1, BigInt(but));
  Atomics.store(withdrawn, 0, BigInt(upTo));
}

function isWanted(withdrawn: BigInt64Array, id: number): boolean {
  return id > Number(Atomics.load(withdrawn, 0)) || id === Number(Atomics.load(withdrawn, 1));
}

export interface Thread {
  readonly evaluator: Evaluator;
  readonly running: Int32Array;
  readonly withdrawn: BigInt64Array;
  readonly receive: (listener: (message: ToThread) => void) => void;
  readonly send: (message: FromThread) => void;
}

export function serveThread({ evaluator, running, withdrawn, receive, send }: Thread): void {
  const waiting = new Map<number, (answers: readonly Answer[]) => Result>();
  const tell = (id: number, result: Result): void => {
    if (result.kind === "needs") {
      waiting.set(id, result.resume);
      send({ kind: "answered", id, result: { kind: "needs", needs: result.needs } });
    } else send({ kind: "answered", id, result });
    Atomics.store(running, 0, -1);
  };
  receive((message) => {
    switch (message.kind) {
      case "prepare":
        send(prepared(evaluator, message.change));
        break;
      case "release":
        evaluator.release(message.version);
        break;
      case "data":
        evaluator.takeData(message.change);
        break;
      case "tally":
        send({ kind: "tallied", tallies: evaluator.takeTallies() });
        break;
      case "ask":
        if (isWanted(withdrawn, message.id)) tell(message.id, answered(evaluator, message.question));
        break;
      case "resume": {
        const resume = waiting.get(message.id);
        waiting.delete(message.id);
        if (resume !== undefined) tell(message.id, resume(message.answers));
        break;
      }
      case "forget":
        waiting.delete(message.id);
        break;
      default:
        message satisfies never;
    }
  });
}

function prepared(evaluator: Evaluator, change: Change): FromThread {
  try {
    return { kind: "prepared", report: evaluator.prepare(change) };
  } catch (error) {
    return { kind: "failed", version: change.version, message: String((error as Error).stack ?? error) };
  }
}

/** An error of ours is an answer too, and ends nothing else. */
export function answered(evaluator: Evaluator, question: Question): Result {
  return attempted(() => evaluator.answer(question), question.body);
}

function attempted(run: () => Result, body: string): Result {
  try {
    const result = run();
    if (result.kind !== "needs") return result;
    return { ...result, resume: (answers) => attempted(() => result.resume(answers), body) };
  } catch (error) {
    const reply = errorReply(findReview(body), 500, "internal error");
    return { kind: "reply", reply, fault: String((error as Error).stack ?? error) };
  }
}
