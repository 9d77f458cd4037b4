// Kyverno's command line against recorded runs of Kyverno's own: `transcript.txt` has each command with what
// Kyverno 1.19.1 printed (`!` before lines of standard error, `␄` where the output does not end its last line, the exit
// code in brackets). Times are 0. Where Kyverno's order is that of a Go map, the recording was repeated until it was ours.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Command } from "commander";
import { CommandFailed } from "../../../src/cli/kyverno/exit.ts";
import { registerKyverno } from "../../../src/cli/kyverno/register.ts";

const folder = import.meta.dirname;

interface Recorded {
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

function readTranscript(): readonly Recorded[] {
  const text = readFileSync(join(folder, "transcript.txt"), "utf8");
  return text.split(/^(?=\$ kyverno )/m).map((part) => {
    const [head = "", ...lines] = part.trimEnd().split("\n");
    const exitCode = Number(/^\[(\d+)\]$/.exec(lines.pop() ?? "")?.[1]);
    const errors = lines.filter((line) => line.startsWith("! "));
    const output = lines.filter((line) => !line.startsWith("! "));
    const stdout = output
      .map((line) => `${line}\n`)
      .join("")
      .replace(/␄\n$/, "")
      .replace(/\n␄$/, "");
    const stderr = errors.map((line) => `${line.slice(2)}\n`).join("");
    return { command: head.slice("$ kyverno ".length), stdout: ended(stdout, output), stderr, exitCode };
  });
}

/** Without the line break that the mark took the place of. */
function ended(stdout: string, output: readonly string[]): string {
  return output.at(-1)?.endsWith("␄") === true ? stdout.replace(/␄?\n?$/, "") : stdout;
}

/** The words of a command; quotes keep blanks. */
function words(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

async function kyverno(args: readonly string[]): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const original = { stdout: process.stdout.write, stderr: process.stderr.write };
  const catching = (stream: "stdout" | "stderr") => (chunk: unknown) => {
    written[stream] += String(chunk);
    return true;
  };
  const program = new Command("portcullis").exitOverride();
  registerKyverno(program);
  const before = process.exitCode;
  const home = process.cwd();
  process.chdir(join(folder, "files"));
  process.stdout.write = catching("stdout");
  process.stderr.write = catching("stderr");
  try {
    await program.parseAsync(["kyverno", ...args], { from: "user" });
    return { ...written, exitCode: Number(process.exitCode ?? 0) };
  } catch (error) {
    if (error instanceof CommandFailed) return { ...written, exitCode: error.exitCode };
    throw error;
  } finally {
    process.stdout.write = original.stdout;
    process.stderr.write = original.stderr;
    process.chdir(home);
    process.exitCode = before;
  }
}

for (const recorded of readTranscript()) {
  test(`kyverno ${recorded.command}`, async () => {
    const ran = await kyverno(words(recorded.command));
    const stdout = ran.stdout.replaceAll(/seconds("?: ?)\d+/g, "seconds$10");
    assert.equal(stdout, recorded.stdout);
    assert.equal(ran.stderr, recorded.stderr);
    assert.equal(ran.exitCode, recorded.exitCode);
  });
}
