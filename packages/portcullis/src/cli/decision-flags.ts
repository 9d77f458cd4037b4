// The flags of the decision log.

import { type Command, InvalidArgumentError, Option } from "commander";
import { collect, wholeNumber } from "./arguments.ts";

export interface DecisionLogFlags {
  readonly decisionLog?: string;
  /** In MiB. */
  readonly decisionLogSize: number;
  readonly decisionLogFiles: number;
  readonly decisionLogRedact: readonly string[];
  readonly decisionLogUsers: "plain" | "hash" | "none";
  readonly decisionLogSample: Readonly<Partial<Record<"allow" | "warn", number>>>;
}

export function withDecisionLog(command: Command): Command {
  return command
    .option("--decision-log <file>", "a line of JSON for each decision; stdout and stderr are no files")
    .option("--decision-log-size <MiB>", "a file that is larger is renamed to FILE.1", wholeNumber, 100)
    .option("--decision-log-files <number>", "how many renamed files are kept", wholeNumber, 5)
    .option(
      "--decision-log-redact <path>",
      "values at this path ([Kind:]a.b[*].c) are taken out of messages; may be repeated; of Secrets no message is told",
      collect,
      [],
    )
    .addOption(
      new Option("--decision-log-users <manner>", "how users are told")
        .choices(["plain", "hash", "none"])
        .default("plain"),
    )
    .option(
      "--decision-log-sample <verdict=part>",
      "tell only this part (0 to 1) of allow or warn; may be repeated; refusals and errors are all told",
      sample,
      {},
    );
}

function sample(value: string, previous: DecisionLogFlags["decisionLogSample"]): DecisionLogFlags["decisionLogSample"] {
  const [, verdict = "", text = ""] = /^(allow|warn)=(\d+(?:\.\d+)?|\.\d+)$/.exec(value) ?? [];
  const part = Number(text);
  if (verdict === "" || part > 1)
    throw new InvalidArgumentError("expected allow=PART or warn=PART, a part from 0 to 1");
  return { ...previous, [verdict]: part };
}
