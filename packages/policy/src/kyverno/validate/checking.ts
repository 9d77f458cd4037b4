// What the checks of a validate rule are given, at the rule itself and inside its loops.

import type { Json } from "../../engine/request.ts";
import type { Conditions } from "../condition/conditions.ts";
import type { SourcedEntry } from "../context/entries.ts";
import type { Check } from "../policy/rule.ts";
import type { RuleRun } from "../rulerun.ts";
import type { Subject } from "../subject.ts";

/** What is checked, where. */
export interface Checking {
  readonly run: RuleRun;
  readonly check: Check;
  readonly subject: Subject;
  /** The element that patterns are matched against; null: the object. */
  readonly element: Json;
  /** How many foreach this is in. */
  readonly nesting: number;
  readonly context: readonly SourcedEntry[];
  readonly preconditions: Conditions | null;
}

export const preconditionsFailed = "failed to evaluate preconditions";
