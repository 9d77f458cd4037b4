// How gator refuses wrong usage, in gator's words, and what comes before and behind a command. Behind the message gator
// prints its own help, and we ours.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const runner = fileURLToPath(new URL("run.ts", import.meta.url));

const refused: readonly (readonly [command: string, message: string])[] = [
  ["test -f", "flag needs an argument: 'f' in -f"],
  ["test --filename", "flag needs an argument: --filename"],
  ["test -x", "unknown shorthand flag: 'x' in -x"],
  ["test -xyz", "unknown shorthand flag: 'x' in -xyz"],
  ["test --xyz=3", "unknown flag: --xyz"],
  [
    "test --trace=maybe",
    'invalid argument "maybe" for "-t, --trace" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  ["test -v=x", 'invalid argument "x" for "-v, --verbose" flag: strconv.ParseBool: parsing "x": invalid syntax'],
  ["test a b", 'unknown command "a" for "gator test"'],
  ["verify", "accepts 1 arg(s), received 0"],
  ["verify a b", "accepts 1 arg(s), received 2"],
];

const version =
  /^gator version v3\.23\.1 \(Feature State: beta\), opa\/v1\.17\.1, frameworks\/v0\.0\.0-\d+-[0-9a-f]+\n$/;

const commands = [...refused.map(([command]) => command), "-v", "--version", "policy"];
const child = spawnSync(
  process.execPath,
  [runner, JSON.stringify(commands.map((command) => command.split(" "))), "."],
  {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  },
);
const ran = JSON.parse(child.stdout) as readonly { stdout: string; stderr: string; exitCode: number }[];

for (const [at, [command, message]] of refused.entries()) {
  test(`gator ${command} is refused`, () => {
    assert.equal(ran[at]?.stderr.split("\n")[0], `Error: ${message}`);
    assert.equal(ran[at]?.exitCode, 1);
  });
}

test("gator -v says which gator this stands for", () => {
  for (const one of ran.slice(-3, -1)) {
    assert.match(one.stdout, version);
    assert.equal(one.exitCode, 0);
  }
});

test("gator policy alone is help, and no error", () => {
  assert.equal(ran.at(-1)?.exitCode, 0);
  assert.match(ran.at(-1)?.stdout ?? "", /search/);
});
