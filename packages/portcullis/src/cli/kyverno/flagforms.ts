// Flags as Kyverno's users write them: `--audit-warn=true`, `--table=false` and `-r=file` mean what they mean to the
// library that Kyverno reads its flags with (github.com/spf13/pflag), beside the forms that ours knows.

import type { Command, Option } from "commander";

/** Makes a command take these forms as well. */
export function takeFlagForms(command: Command): Command {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (args) => parse(knownForms(args, command));
  return command;
}

function knownForms(args: readonly string[], command: Command): string[] {
  const forms: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") return [...forms, ...args.slice(at)];
    const form = formOf(arg, command);
    if (form !== null) forms.push(form);
    // What follows a flag that wants a value is that value.
    const next = args[at + 1];
    if (next !== undefined && optionNamed(arg, command)?.required === true) {
      forms.push(next);
      at++;
    }
  }
  return forms;
}

/** Null for a flag that is switched off, as it is without. */
function formOf(arg: string, command: Command): string | null {
  const [, name = "", value = ""] = /^(--[^=]+|-[^-=])=(.*)$/s.exec(arg) ?? [];
  const option = optionNamed(name, command);
  if (option === undefined) return arg;
  if (option.required || option.optional) return name.startsWith("--") ? arg : `${name}${value}`;
  if (truths.has(value)) return name;
  return falsehoods.has(value) ? null : arg;
}

function optionNamed(name: string, command: Command): Option | undefined {
  return command.options.find(({ short, long }) => name === short || name === long);
}

/** Go: strconv.ParseBool. */
const truths: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const falsehoods: ReadonlySet<string> = new Set(["0", "f", "F", "false", "FALSE", "False"]);
