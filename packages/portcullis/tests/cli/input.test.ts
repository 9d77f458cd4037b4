// What people give to commands by mistake: each is told with its place and how to mend it, and no call of the system and
// no stack of ours is shown.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { type LoadOptions, loadObjects } from "../../src/cli/load/files.ts";
import { formatDiagnostic } from "@portcullis/lang";
import { UsageError } from "../../src/cli/usage.ts";

const pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n";
/** A new folder with these files, gone after the test. */
function withFiles(context: TestContext, files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-input-"));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** What is said about a folder, with paths below it. */
function complaint(path: string, options: Partial<LoadOptions> = {}): string {
  try {
    loadObjects([path], { stdin: false, warn: () => {}, ...options });
    return "";
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message.replaceAll(`${path}/`, "");
  }
}

function filesLoaded(path: string, options: Partial<LoadOptions> = {}): readonly string[] {
  return loadObjects([path], { stdin: false, warn: () => {}, ...options }).map(({ file }) => relative(path, file));
}

test("documents that are no objects are told, and empty ones are not", (context) => {
  assert.equal(
    complaint(withFiles(context, { "a.yaml": `${pod}---\n- ${pod.replaceAll("\n", "\n  ")}\n` })),
    "a.yaml:6:1: not-an-object: expected a Kubernetes object, found a list " +
      "(write each object as a document of its own, or all as the `items` of a List)",
  );
  assert.match(complaint(withFiles(context, { "a.yaml": "hello\n" })), /^a\.yaml:1:1: .*found a single value$/);
  assert.match(
    complaint(withFiles(context, { "a.json": '{"kind":"Pod"} x' })),
    /^a\.json:1:16: .*found a single value$/,
  );
  assert.equal(complaint(withFiles(context, { "a.yaml": "# nothing\n---\n---\nnull\n" })), "");
});

test("every file with a problem is told, in the order of names", (context) => {
  const told = complaint(withFiles(context, { "b.yaml": "a: [\n", "a.yaml": "a:\n\tb: 1\n", "c.yaml": pod }));
  assert.deepEqual(
    told.split("\n").map((line) => line.replace(/ .*/, "")),
    ["a.yaml:2:1:", "b.yaml:2:1:"],
  );
});

test("bytes that are not UTF-8 are told with their place, not replaced", (context) => {
  assert.equal(
    complaint(withFiles(context, { "a.yaml": Buffer.from(`${pod}  # ü caf\xe9\n`, "latin1") })),
    "a.yaml:5:5: these bytes are not UTF-8 (save the file as UTF-8)",
  );
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(pod, "utf16le")]);
  assert.equal(complaint(withFiles(context, { "a.yaml": utf16 })), "a.yaml:1:1: the file is UTF-16 (save it as UTF-8)");
  assert.deepEqual(filesLoaded(withFiles(context, { "a.yaml": `\uFEFF${pod}`.replaceAll("\n", "\r\n") })), ["a.yaml"]);
});

test("links that lead nowhere are told; folders behind links are not searched", (context) => {
  const gone = withFiles(context, {});
  symlinkSync("gone.yaml", join(gone, "a.yaml"));
  assert.equal(complaint(gone), "a.yaml: no such file or folder");
  const circle = withFiles(context, {});
  symlinkSync("a.yaml", join(circle, "a.yaml"));
  assert.equal(complaint(circle), "a.yaml: links that lead in a circle");
  const back = withFiles(context, { "a.yaml": pod });
  symlinkSync(".", join(back, "back"));
  assert.deepEqual(filesLoaded(back), ["a.yaml"]);
  assert.equal(complaint(join(gone, "x.txt")).replace(gone, ""), "/x.txt: no such file or folder");
});

test("names with a dot in front are left out, except where gator reads", (context) => {
  const mixed = withFiles(context, { "a.yaml": pod, ".github/ci.yml": "on: push\n", "..data/a.yaml": pod });
  assert.deepEqual(filesLoaded(mixed), ["a.yaml"]);
  assert.equal(filesLoaded(mixed, { asGator: true }).length, 3);
});

test("a key that stands twice is a warning with its place; one that begins an object may want a line before it", (context) => {
  const warnings: string[] = [];
  const path = withFiles(context, { "a.yaml": `${pod}kind: Service\nspec: {a: 1, a: 2}\n` });
  filesLoaded(path, { warn: (warning) => warnings.push(formatDiagnostic(warning)) });
  const once = "already set in map (a key may stand only once in a mapping; keep one of them";
  assert.deepEqual(warnings, [
    `${path}/a.yaml:5:1: yaml-value: key "kind" ${once}, or put \`---\` between two objects)`,
    `${path}/a.yaml:6:14: yaml-value: key "a" ${once})`,
  ]);
});

test("the template of a chart is told as such", (context) => {
  for (const text of ["name: {{ .Release.Name }}\n", "{{- if .Values.x }}\nkind: Pod\n{{- end }}\n"]) {
    assert.match(
      complaint(withFiles(context, { "a.yaml": text })),
      /^a\.yaml:1:\d+: .*\n.*a\.yaml: this is a template of a chart: give what `helm template` makes of it, on standard input$/,
    );
  }
});

test("what nobody can decide about is told at once", (context) => {
  const folder = withFiles(context, { "a.yaml": pod, "package.json": "{}", "values.yaml": "x: 1\n" });
  const examples = resolve(import.meta.dirname, "../../../../examples/repos");
  const { status, stderr } = portcullis(`$PC test ${examples} ${folder}`);
  const expected = "1:1: expected a Kubernetes object with apiVersion and kind";
  assert.equal(stderr.replaceAll(`${folder}/`, ""), `package.json:${expected}\nvalues.yaml:${expected}\n`);
  assert.equal(status, 2);
});

const main = resolve(import.meta.dirname, "../../src/cli/main.ts");

function portcullis(command: string): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync("sh", ["-c", command], {
    encoding: "utf8",
    env: { ...process.env, PC: `${process.execPath} ${main}` },
  });
  return { status, stderr };
}

test("standard input that is closed or a folder, and output that nobody can write", () => {
  assert.match(portcullis("$PC test <&-").stderr, /^no input: give files or folders/);
  assert.deepEqual(portcullis("$PC test - </"), { status: 2, stderr: "stdin: this is a folder; expected a file\n" });
  if (process.platform === "linux") {
    const full = { status: 2, stderr: "standard output: no space left on the disk\n" };
    assert.deepEqual(portcullis("$PC --help >/dev/full"), full);
  }
});

test("a Node that is too old is refused before it breaks every policy", () => {
  const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.9.0'})";
  const { status, stderr } = portcullis(`NODE_OPTIONS="--import ${old}" $PC test`);
  assert.equal(status, 2);
  assert.match(stderr, /^portcullis needs Node 22\.19 or newer; this is Node 22\.9\.0$/m);
});
