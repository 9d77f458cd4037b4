// Mutation decided in the thread that answers connections, where that is cheap: handing a request to an evaluator thread and
// its answer back costs more than fifty mutators on a Pod. Policies that anybody wrote code for never run here; mutators are
// compiled locations, and what a request may cost is bounded by its size, the number of mutators and a short slice of time.
// Whatever does not fit goes to the evaluator threads as everything else does, and so does what would have to wait here
// while a thread has nothing to do.

import { setFlagsFromString } from "node:v8";
import type { Endpoint } from "../server/endpoints.ts";
import type { Reply } from "../server/routes.ts";
import type { FileText } from "./compose.ts";
import type { EvaluatorSettings } from "./config.ts";
import type { Evaluator } from "./evaluator.ts";
import { answered } from "./thread.ts";

export interface Near {
  /** Null: ask an evaluator thread. `deadlineMs` is on the clock of `clockMs`. */
  answer(body: string, deadlineMs: number, endpoint: Endpoint): Reply | null;
  /** Decides with these from the moment it resolves; with null, nothing is answered here. */
  serve(mutators: readonly FileText[] | null): Promise<void>;
}

export interface NearOptions {
  readonly settings: EvaluatorSettings;
  /** An evaluator failed in a way that is our fault. */
  readonly onFault: (detail: string) => void;
  /** Whether an evaluator thread could begin at once. */
  readonly isThreadFree?: () => boolean;
  /** Milliseconds that mutators may compute while connections wait; 4 when absent. */
  readonly sliceMs?: number;
}

/** Larger bodies take long to read. */
const largestBodyLength = 64 * 1024;

export function createNear({ settings, onFault, isThreadFree = () => false, sliceMs = 4 }: NearOptions): Near {
  let evaluator: Evaluator | null = null;
  let files: readonly string[] = [];
  let version = 0;
  let isServing = false;
  let latest = 0;
  // Whoever comes while this thread has had something to decide in this turn of its loop waits: a free thread helps.
  let isBusy = false;
  const turn = (): void => {
    isBusy = false;
  };
  return {
    answer: (body, deadlineMs, endpoint) => {
      if (!isServing || evaluator === null || endpoint.what !== "mutate" || endpoint.dialect === "kyverno") return null;
      if (body.length > largestBodyLength) return null;
      if (isBusy && isThreadFree()) return null;
      if (!isBusy) setImmediate(turn);
      isBusy = true;
      const result = answered(evaluator, { version, body, deadlineMs, lane: "fast", endpoint });
      if (result.kind !== "reply") return null;
      if (result.fault !== undefined) onFault(result.fault);
      return result.reply;
    },
    serve: async (mutators) => {
      const asked = ++latest;
      isServing = false;
      if (mutators === null) return;
      // Only then is the engine loaded here.
      const { assembleEvaluator } = await import("./assemble.ts");
      if (asked !== latest) return;
      // A thread that decides throws more away than one that carries bodies; its young generation may grow.
      if (evaluator === null) setFlagsFromString("--semi-space-growth-factor=2");
      evaluator ??= assembleEvaluator({ ...settings, tellAccount: false }, { sliceMs });
      const names = new Set(mutators.map(({ file }) => file));
      const removed = files.filter((file) => !names.has(file));
      try {
        evaluator.prepare({ version: version + 1, changed: mutators, removed });
      } catch (error) {
        // The threads have what they need, and go on without this one.
        onFault(String((error as Error).stack ?? error));
        return;
      }
      version++;
      evaluator.release(version);
      files = [...names];
      isServing = true;
    },
  };
}
