// From the flags of the decision log to what the server is told.

import type { ServeOptions } from "../app/config.ts";
import { createRedaction } from "../app/redaction.ts";
import type { DecisionLogFlags } from "./decision-flags.ts";
import { UsageError } from "./usage.ts";

/** Throws UsageError when a path is none. */
export function decisionLogOptions(flags: DecisionLogFlags, replica?: string): Pick<ServeOptions, "decisionLog"> {
  const { decisionLog: to, decisionLogRedact: redact, decisionLogUsers: users } = flags;
  if (to === undefined) return {};
  try {
    createRedaction(redact);
  } catch (error) {
    throw new UsageError(`--decision-log-redact ${(error as Error).message}`);
  }
  return {
    decisionLog: {
      to,
      redact,
      users,
      sampled: flags.decisionLogSample,
      fileBytesMax: flags.decisionLogSize * 1024 * 1024,
      filesMax: flags.decisionLogFiles,
      ...(replica !== undefined && { replica }),
    },
  };
}
