// Flags in the forms that Go's pflag takes, with which both peers read theirs, beyond those that ours knows by itself:
// `--table=false` and `-t=true` for flags without a value, and `-r=FILE`.

import type { Command, Option } from "commander";

/** Called for a value that is none of Go's booleans; what it gives stands for the argument. */
type Refuse = (arg: string, message: string) => string;

/** Rewrites arguments of a command to the forms that ours knows; what follows `--` stays. */
export function knownForms(command: Command, args: readonly string[], refuse: Refuse = (arg) => arg): string[] {
  const forms: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") return [...forms, ...args.slice(at)];
    forms.push(...formsOf(command, arg, refuse));
    // What follows a flag that wants a value is that value.
    const next = args[at + 1];
    if (next !== undefined && optionNamed(command, arg)?.required === true) {
      forms.push(next);
      at++;
    }
  }
  return forms;
}

/** None for a flag that is switched off, as it is without. */
function formsOf(command: Command, arg: string, refuse: Refuse): readonly string[] {
  const [, name = "", value = ""] = /^(--[^=]+|-[^-=])=(.*)$/s.exec(arg) ?? [];
  const option = optionNamed(command, name);
  if (option === undefined) return [arg];
  if (!option.isBoolean()) return name.startsWith("--") ? [arg] : [name, value];
  const holds = booleans.get(value);
  if (holds !== undefined) return holds ? [name] : [];
  const shown = [option.short, option.long].filter((one) => one !== undefined).join(", ");
  const reason = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
  return [refuse(arg, `invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${reason}`)];
}

function optionNamed(command: Command, name: string): Option | undefined {
  return command.options.find(({ short, long }) => name === short || name === long);
}

/** What Go's strconv.ParseBool takes. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);
