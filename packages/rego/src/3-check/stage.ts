// What the stages of this phase share.

import type { Diagnostic } from "@portcullis/lang";
import type { Environment } from "../environment.ts";
import type { Names } from "../names.ts";
import type { Arity } from "../outputs.ts";
import type { RuleNode } from "../ruletree.ts";

export interface Stage {
  readonly environment: Environment;
  readonly names: Names;
  readonly tree: RuleNode;
  readonly arity: Arity;
  /** Errors that end the compilation after the stage. */
  readonly errors: Diagnostic[];
  /** Errors that let the next stages look for more. */
  readonly recoverable: Diagnostic[];
}

/** Whether a rewrite made the variable up: then its name says nothing to the user. */
export function isMadeUp(name: string, names: readonly Names[]): boolean {
  const written = writtenName(name, names);
  return names.some((one) => one.made.has(written));
}

/** The variable as the user wrote it. */
export function writtenName(name: string, names: readonly Names[]): string {
  for (const one of names) {
    const written = one.written.get(name);
    if (written !== undefined) return written;
  }
  return name;
}
