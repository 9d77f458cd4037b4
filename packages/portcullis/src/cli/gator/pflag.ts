// Flags as gator's library (Go's pflag and cobra) takes them, beyond what ours does by itself: `--trace=true` and
// `-t=false` for flags without a value, `-f=FILE`, and the words in which wrong usage is refused.

import type { Command } from "commander";

/** Gives a command these ways of writing flags, and cobra's errors. `refuse` ends the run with a message. */
export function takeAsGator(command: Command, refuse: (message: string) => never): void {
  const parse = command.parseOptions.bind(command);
  let last = "";
  command.parseOptions = (args): ReturnType<typeof parse> => {
    last = args.at(-1) ?? "";
    // Flags behind the name of a command belong to that command.
    return parse(command.commands.length > 0 ? args : plainFlags(command, args, refuse));
  };
  command.configureOutput({ outputError: (text, write) => write(cobraError(text, { command, last })) });
}

function plainFlags(command: Command, args: readonly string[], refuse: (message: string) => never): string[] {
  const end = args.indexOf("--");
  const flags = end === -1 ? args : args.slice(0, end);
  const plain = flags.flatMap((arg) => {
    const [, name = "", value = ""] = /^(--[^=]+|-[^-=])=(.*)$/s.exec(arg) ?? [];
    const option = command.options.find((one) => one.long === name || one.short === name);
    if (option === undefined) return [arg];
    if (!option.isBoolean()) return name.startsWith("--") ? [arg] : [name, value];
    const holds = booleans.get(value);
    if (holds !== undefined) return holds ? [name] : [];
    const shown = [option.short, option.long].filter((one) => one !== undefined).join(", ");
    const reason = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
    return refuse(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${reason}`);
  });
  return end === -1 ? plain : [...plain, ...args.slice(end)];
}

/** What Go's strconv.ParseBool takes. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((text) => [text, false] as const),
]);

interface Usage {
  readonly command: Command;
  /** The last word of the command line. */
  readonly last: string;
}

function cobraError(text: string, { command, last }: Usage): string {
  const message = text.replace(/^error: /, "").trimEnd();
  return `Error: ${cobraWords(message, { command, last })}\n`;
}

function cobraWords(message: string, { command, last }: Usage): string {
  const [, long] = /^unknown option '--([^'=]+)/.exec(message) ?? [];
  if (long !== undefined) return `unknown flag: --${long}`;
  const [, shorthand] = /^unknown option '-(.+?)'/s.exec(message) ?? [];
  if (shorthand !== undefined) return `unknown shorthand flag: '${shorthand.charAt(0)}' in -${shorthand}`;
  if (/^option '.*' argument missing$/.test(message)) {
    const isLong = last.startsWith("--");
    return `flag needs an argument: ${isLong ? last : `'${last.slice(-1)}' in ${last}`}`;
  }
  if (message.startsWith("missing required argument")) return accepts(command, 0);
  const [, given, words = ""] = /^too many arguments for .* but got (\d+): (.*)\.$/s.exec(message) ?? [];
  if (given === undefined) return message;
  const wanted = command.registeredArguments.length;
  return wanted > 0
    ? accepts(command, Number(given))
    : `unknown command "${words.split(", ")[0]}" for "${path(command)}"`;
}

function accepts(command: Command, given: number): string {
  return `accepts ${command.registeredArguments.length} arg(s), received ${given}`;
}

/** `gator test`. */
function path(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${path(parent)} ${command.name()}`;
}
