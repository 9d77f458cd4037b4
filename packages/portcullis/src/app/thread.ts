// What the server's thread and an evaluator thread say to each other.

import { errorReply } from "../server/routes.ts";
import { findReview } from "../server/review.ts";
import type { Tally } from "../server/tally.ts";
import type { EvaluatorSettings } from "./config.ts";
import type { Change, Evaluator, Question, Report, Result } from "./evaluator.ts";

export type ToThread =
  | { readonly kind: "prepare"; readonly change: Change }
  | { readonly kind: "release"; readonly version: number }
  | { readonly kind: "tally" }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question };

export type FromThread =
  | { readonly kind: "prepared"; readonly report: Report }
  | { readonly kind: "failed"; readonly version: number; readonly message: string }
  | { readonly kind: "tallied"; readonly tallies: readonly Tally[] }
  | { readonly kind: "answered"; readonly id: number; readonly result: Result };

/** What a thread is given when it starts. */
export interface ThreadData {
  /** The number of the policy that is running, -1 for none. */
  readonly running: Int32Array;
  readonly settings: EvaluatorSettings;
}

export interface Thread {
  readonly evaluator: Evaluator;
  readonly running: Int32Array;
  readonly receive: (listener: (message: ToThread) => void) => void;
  readonly send: (message: FromThread) => void;
}

export function serveThread({ evaluator, running, receive, send }: Thread): void {
  receive((message) => {
    switch (message.kind) {
      case "prepare":
        send(prepared(evaluator, message.change));
        break;
      case "release":
        evaluator.release(message.version);
        break;
      case "tally":
        send({ kind: "tallied", tallies: evaluator.takeTallies() });
        break;
      case "ask":
        send({ kind: "answered", id: message.id, result: answered(evaluator, message.question) });
        Atomics.store(running, 0, -1);
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
  try {
    return evaluator.answer(question);
  } catch (error) {
    const reply = errorReply(findReview(question.body), 500, "internal error");
    return { kind: "reply", reply, fault: String((error as Error).stack ?? error) };
  }
}
