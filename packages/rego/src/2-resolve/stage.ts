// What the stages of this phase share: the environment, the fresh names, and the errors found so far.

import { type Diagnostic, errorAt, type Span } from "@portcullis/lang";
import type { Environment } from "../environment.ts";
import type { Names } from "../names.ts";
import { isWildcard } from "../visit.ts";

export interface Stage {
  readonly environment: Environment;
  readonly names: Names;
  /** Errors that end the compilation after the stage. */
  readonly errors: Diagnostic[];
  /** Errors that let the next stages look for more. */
  readonly recoverable: Diagnostic[];
}

export function compileError(span: Span | null, message: string): Diagnostic {
  return errorAt("rego_compile_error", span, message);
}

/** The variable as the user wrote it. */
export function shownName(name: string, stage: Stage): string {
  const written = stage.names.written.get(name) ?? name;
  return isWildcard(written) ? "_" : written;
}
