// What `gator test` shows besides its rows: run times per template (`--stats`), the path of each evaluation (`--trace`)
// and what policies print (`--verbose`). The dialect reports all three while it evaluates, and an observer puts them
// together in gator's forms. A trace is in our compiler's terms: rules that are entered, literals that hold or fail,
// the values bound there. Gatekeeper: pkg/gator/test/test.go, pkg/gator/print.go;
// frameworks: pkg/client/drivers/rego/driver.go Query, pkg/instrumentation.

import { type TraceEvent, type Value, format } from "@portcullis/rego";
import type { EvaluateOptions } from "../../engine/policyset.ts";
import type { Observed } from "../evaluate.ts";

/** One evaluation of a template, as gator prints it. */
export interface StatsEntry {
  readonly scope: "template";
  readonly statsFor: string;
  readonly stats: readonly Stat[];
  readonly labels: readonly { readonly name: string; readonly value: boolean | string }[];
}

interface Stat {
  readonly name: string;
  readonly value: number;
  readonly source: { readonly type: "engine"; readonly value: "Rego" };
}

export interface Observing {
  readonly stats: boolean;
  readonly trace: boolean;
  readonly print: boolean;
  /** Milliseconds of any clock, with fractions. */
  readonly nowMs: () => number;
}

export interface Observer {
  /** Runs a review; `impliedBy` names the ExpansionTemplate whose result is reviewed. */
  review<T>(impliedBy: string | null, evaluate: (trace: EvaluateOptions["trace"]) => T): T;
  /** Per template and review, in the order of reviews. */
  readonly stats: readonly StatsEntry[];
  /** Of all objects as they were given; null when nothing was evaluated. */
  trace(): string | null;
  /** One line per call of `print`. */
  printed(): string;
}

/** In UTF-16 units. gator keeps as many bytes: pkg/gator/print.go DefaultPrintBufferLimit. */
const printedMax = 1024 * 1024;
const truncated = "\n... additional print output truncated ...\n";

export function createObserver(observing: Observing): Observer {
  const stats: StatsEntry[] = [];
  const traces: string[] = [];
  let printed = "";
  const add = (text: string): void => {
    if (printed.length <= printedMax) printed += text;
  };
  return {
    stats,
    review: (impliedBy, evaluate) => {
      const steps = createSteps();
      let beganMs = 0;
      const result = evaluate((event) => {
        if (event.what !== "gatekeeper") return;
        const value = event.value as Observed;
        if (value.event === "begin") beganMs = observing.nowMs();
        else if (value.event === "print") add(`${value.text}\n`);
        else if (value.event === "step") steps.add(value.step);
        else if (observing.stats) {
          const nanoseconds = Math.round((observing.nowMs() - beganMs) * 1e6);
          stats.push(statsEntry(value, { nanoseconds, impliedBy, observing }));
        }
      });
      // gator shows the traces of the objects as they were given only.
      if (impliedBy === null && steps.lines.length > 0) {
        traces.push(`\n\nDRIVER Rego:\n\n${steps.lines.join("\n")}\n\n\n`);
      }
      return result;
    },
    trace: () => (traces.length === 0 ? null : traces.join("")),
    printed: () => (printed.length <= printedMax ? printed : printed.slice(0, printedMax) + truncated),
  };
}

// ── stats

interface Measured {
  readonly nanoseconds: number;
  readonly impliedBy: string | null;
  readonly observing: Observing;
}

function statsEntry(
  { kind, constraints }: Extract<Observed, { event: "end" }>,
  { nanoseconds, impliedBy, observing }: Measured,
): StatsEntry {
  const source = { type: "engine", value: "Rego" } as const;
  return {
    scope: "template",
    statsFor: kind,
    stats: [
      { name: "templateRunTimeNS", value: nanoseconds, source },
      { name: "constraintCount", value: constraints, source },
    ],
    labels: [
      { name: "TracingEnabled", value: observing.trace },
      { name: "PrintEnabled", value: observing.print },
      { name: "target", value: "admission.k8s.gatekeeper.sh" },
      ...(impliedBy === null ? [] : [{ name: "Implied by", value: impliedBy }]),
    ],
  };
}

// ── traces

const verbs: Readonly<Record<TraceEvent["op"], string>> = {
  enter: "Enter",
  exit: "Exit",
  literal: "Eval",
  fail: "Fail",
};

interface Steps {
  readonly lines: readonly string[];
  add(step: TraceEvent): void;
}

/** A literal stands under the rule whose text it is part of; rules that end without a value end in silence. */
function createSteps(): Steps {
  const lines: string[] = [];
  return {
    lines,
    add: ({ op, file, line, column, text, locals }) => {
      const indent = op === "literal" || op === "fail" ? "| " : "";
      const bound = [...locals].map(([name, value]) => `${name} = ${shown(value)}`);
      const where = bound.length === 0 ? "" : `   where ${bound.join(", ")}`;
      lines.push(`${indent}${verbs[op]} ${file}:${line}:${column} ${text.split("\n")[0] ?? ""}${where}`);
    },
  };
}

/** Values are cut where a reader stops. */
const shownMax = 300;

function shown(value: Value): string {
  const text = format(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}
