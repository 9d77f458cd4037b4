// Flags as the library of both peers' command lines (Go's pflag and cobra) takes them, beyond what ours does by itself, and
// the words in which wrong usage is refused.

import type { Command } from "commander";
import { knownForms } from "./goflags.ts";

/** Gives a command these ways of writing flags, and cobra's errors. `refuse` ends the run with a message. */
export function takeAsCobra(command: Command, refuse: (message: string) => never): void {
  const parse = command.parseOptions.bind(command);
  let last = "";
  command.parseOptions = (args): ReturnType<typeof parse> => {
    last = args.at(-1) ?? "";
    // Flags behind the name of a command belong to that command.
    return parse(command.commands.length > 0 ? args : knownForms(command, args, (_, message) => refuse(message)));
  };
  command.configureOutput({ outputError: (text, write) => write(cobraError(text, { command, last })) });
}

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
  const isShort = command.args.length < command.registeredArguments.filter(({ required }) => required).length;
  if (isShort && message.includes("required")) return accepts(command, command.args.length);
  if (message.startsWith("required option")) return `required flag(s) ${unset(command).join(", ")} not set`;
  const [, given, words = ""] = /^too many arguments for .* but got (\d+): (.*)\.$/s.exec(message) ?? [];
  if (given === undefined) return message;
  const wanted = command.registeredArguments.length;
  return wanted > 0 ? accepts(command, Number(given)) : unknownCommand(command, words.split(", ")[0] ?? "");
}

function unknownCommand(command: Command, word: string): string {
  const name = path(command);
  const hint = name.includes(" ") ? "" : `\nRun '${name} --help' for usage.`;
  return `unknown command ${JSON.stringify(word)} for "${name}"${hint}`;
}

/** Flags that are required and not given, by name. */
function unset(command: Command): readonly string[] {
  return command.options
    .filter((option) => option.mandatory && command.getOptionValueSource(option.attributeName()) !== "cli")
    .map(({ long }) => JSON.stringify(long?.slice(2)))
    .toSorted();
}

function accepts(command: Command, given: number): string {
  if (command.registeredArguments.some(({ variadic }) => variadic)) {
    return `requires at least ${command.registeredArguments.length} arg(s), only received ${given}`;
  }
  return `accepts ${command.registeredArguments.length} arg(s), received ${given}`;
}

/** `gator test`. */
function path(command: Command): string {
  const { parent } = command;
  return parent === null || parent.parent === null ? command.name() : `${path(parent)} ${command.name()}`;
}
