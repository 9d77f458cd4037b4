// gator's command line against recorded runs of gator's own: `transcript.txt` has each command with what gator 3.23.1
// printed (`!` before lines of standard error, `␄` where the output does not end its last line, the exit code in
// brackets). Run times are N. `RECORD=1` writes the file again with the gator of $PEERS_DIR; where gator's order is that
// of a Go map, the command has one entry only.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { peer } from "../../../../../bench/peers.ts";

const here = import.meta.dirname;
const files = join(here, "files");
const runner = fileURLToPath(new URL("run.ts", import.meta.url));
const transcript = join(here, "transcript.txt");

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** The words of a command; quotes keep blanks. */
function words(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

/** As it stands in the file. */
function recordOf(command: string, { stdout, stderr, exitCode }: Ran): string {
  const output = stdout === "" ? "" : stdout.endsWith("\n") ? stdout : `${stdout}␄\n`;
  const errors = stderr.replaceAll(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /gm, "").replaceAll(/^(?=.)/gm, "! ");
  const timeless = output
    .replaceAll(/("?templateRunTimeNS"?,?\n *"?value"?: )[\d.e+]+/g, "$1N")
    .replaceAll(/(name: templateRunTimeNS, value: )[\d.e+]+/g, "$1N")
    .replaceAll(/\d[\d.]*(?:ns|µs|ms|s)(?=\)?$)/gm, "N");
  return `$ gator ${command}\n${timeless}${errors}[${exitCode}]\n`;
}

const recorded = readFileSync(transcript, "utf8").split(/^(?=\$ gator )/m);
const commands = recorded.map((part) => (part.split("\n")[0] ?? "").slice("$ gator ".length));

if (process.env["RECORD"] === "1") {
  const text = commands.map((command) => {
    const ran = spawnSync(peer("gator") ?? "", words(command), {
      cwd: files,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return recordOf(command, { stdout: ran.stdout, stderr: ran.stderr, exitCode: ran.status ?? -1 });
  });
  writeFileSync(transcript, text.join(""));
  process.stderr.write("recorded; run the test again without RECORD\n");
}

const child = spawnSync(process.execPath, [runner, JSON.stringify(commands.map(words)), files], {
  encoding: "utf8",
  stdio: ["ignore", "pipe", "pipe"],
  maxBuffer: 1 << 28,
});
const ours = child.status === 0 ? (JSON.parse(child.stdout) as readonly Ran[]) : [];

test("gator's commands run to their end", () => {
  assert.equal(child.status, 0, child.stderr);
});

for (const [at, command] of commands.entries()) {
  test(`gator ${command}`, () => {
    const ran = ours[at];
    assert.ok(ran !== undefined);
    assert.equal(recordOf(command, ran), recorded[at]);
  });
}
