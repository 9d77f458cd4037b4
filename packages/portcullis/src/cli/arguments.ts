// How the values of flags are read, and flags that several commands have.

import { type Command, InvalidArgumentError } from "commander";

/** Paths stand behind `-f`, as gator's users write them, or alone, as Kyverno's do. */
export function withPaths(command: Command, what: string): Command {
  return command
    .argument("[path...]", `${what}; \`-\` is standard input`)
    .option("-f, --filename <path>", "the same; may be repeated", collect, []);
}

export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

export function wholeNumber(value: string): number {
  const parsed = Number(value);
  if (!Number.isInteger(parsed) || parsed < 0) throw new InvalidArgumentError("expected a whole number, 0 or more");
  return parsed;
}

export function portNumber(value: string): number {
  const port = wholeNumber(value);
  if (port > 65_535) throw new InvalidArgumentError("expected a port, 0 to 65535");
  return port;
}

/** Gatekeeper's -1 stands for one per core. */
export function threadNumber(value: string): number | undefined {
  return value === "-1" ? undefined : Math.max(1, wholeNumber(value));
}

export function seconds(value: string): number {
  const parsed = Number(value.replace(/s$/, ""));
  if (!(parsed >= 0 && parsed <= 3600)) throw new InvalidArgumentError("expected seconds, 0 to 3600");
  return parsed;
}
