// The code that is kept between runs: it is used while everything is as it was, and otherwise made anew without a word.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { codeFolder } from "../../src/bundle/code.ts";

const source = resolve(import.meta.dirname, "../../src/bundle/code.ts");

const requiring = "const { twice } = require('./twice.cjs');\n";
const say = "console.log(twice(21), require('node:path').basename(__filename), module.exports === exports);\n";

interface Program {
  readonly folder: string;
  /** The file with its code. */
  readonly code: string;
  /** What it prints. */
  readonly run: (environment?: NodeJS.ProcessEnv) => string;
  /** Which file the code is in: to write it makes another. */
  readonly identity: () => number;
}

function makeProgram(context: TestContext, file?: string): Program {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-code-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const code = file ?? join(folder, "cache/portcullis/a-command.code");
  writeFileSync(join(folder, "cli.cjs"), `#!/usr/bin/env node\n${requiring}${say}`);
  writeFileSync(join(folder, "twice.cjs"), "exports.twice = (number) => number * 2;\n");
  const program = `import { runWithCode } from ${JSON.stringify(source)};
runWithCode({ folder: ${JSON.stringify(folder)}, entry: "./cli.cjs", code: ${JSON.stringify(code)} });`;
  const run = (environment: NodeJS.ProcessEnv = {}): string => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      timeout: 60_000,
      env: { ...process.env, ...environment },
    });
    assert.deepEqual({ stderr, status }, { stderr: "", status: 0 });
    return stdout;
  };
  return { folder, code, run, identity: () => statSync(code).ino };
}

const answer = "42 cli.cjs true\n";

test("a run keeps its code for the next one, where only its user can write", (context) => {
  const { folder, code, run, identity } = makeProgram(context);
  assert.equal(run(), answer);
  const first = identity();
  assert.equal(statSync(code).mode & 0o777, 0o600);
  assert.equal(run(), answer);
  assert.equal(identity(), first);
  assert.deepEqual(readdirSync(join(folder, "cache/portcullis")), ["a-command.code"]);
});

test("a script that changed is compiled, though it is as long as before", (context) => {
  const { folder, code, run } = makeProgram(context);
  run();
  const first = readFileSync(code);
  writeFileSync(join(folder, "twice.cjs"), "exports.twice = (number) => number * 3;\n");
  assert.equal(run(), answer.replace("42", "63"));
  assert.notDeepEqual(readFileSync(code), first);
});

test("a file that is broken anywhere, cut off or empty is not used", (context) => {
  const { code, run, identity } = makeProgram(context);
  run();
  const whole = readFileSync(code);
  const broken = [0, 4, 9, Math.floor(whole.length / 2), whole.length - 1].map((at) => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
    return bytes;
  });
  for (const bytes of [...broken, whole.subarray(0, whole.length - 8), Buffer.alloc(0), Buffer.from("code")]) {
    writeFileSync(code, bytes);
    const before = identity();
    assert.equal(run(), answer);
    assert.notEqual(identity(), before);
  }
});

test("a file that others can write is not used", { skip: process.getuid === undefined }, (context) => {
  const { code, run, identity } = makeProgram(context);
  run();
  chmodSync(code, 0o666);
  const before = identity();
  assert.equal(run(), answer);
  assert.notEqual(identity(), before);
  assert.equal(statSync(code).mode & 0o777, 0o600);
});

test("a run that makes much more code than the one before keeps it", (context) => {
  const { folder, code, run, identity } = makeProgram(context);
  const functions = Array.from({ length: 3000 }, (_, at) => `(() => { const list = [${at}]; return list.length; })();`);
  const more = `exports.more = () => {\n${functions.join("\n")}\n};\n`;
  writeFileSync(join(folder, "twice.cjs"), `exports.twice = (number) => number * 2;\n${more}`);
  writeFileSync(join(folder, "cli.cjs"), `if (process.env.MORE) require('./twice.cjs').more();\n${requiring}${say}`);
  run();
  const before = statSync(code).size;
  run({ MORE: "1" });
  assert.ok(statSync(code).size > before * 2, `${statSync(code).size} after ${before}`);
  const last = identity();
  run({ MORE: "1" });
  run();
  assert.equal(identity(), last);
});

test("a folder that cannot be written is no error", (context) => {
  const { folder, run } = makeProgram(context);
  mkdirSync(join(folder, "cache"));
  writeFileSync(join(folder, "cache/portcullis"), "a file where the folder should be");
  assert.equal(run(), answer);
});

test("a folder that the system refuses to make is no error", { skip: !existsSync("/proc/self") }, (context) => {
  const { run } = makeProgram(context, "/proc/no-such-folder/portcullis/a-command.code");
  assert.equal(run(), answer);
});

test("Node's variables name another folder, or none", () => {
  const user = { XDG_CACHE_HOME: join("caches", "of-the-user") };
  assert.equal(codeFolder(user), join("caches", "of-the-user", "portcullis"));
  assert.equal(codeFolder({ ...user, NODE_COMPILE_CACHE: "given" }), "given");
  assert.equal(codeFolder({ ...user, NODE_COMPILE_CACHE: "given", NODE_DISABLE_COMPILE_CACHE: "1" }), null);
});
