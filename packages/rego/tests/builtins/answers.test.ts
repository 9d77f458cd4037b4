// Every call in answers/*.txt is compiled as a query and must give what OPA gave: the same JSON, or the same error.

import assert from "node:assert/strict";
import { type KeyObject, createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compileFunction } from "node:vm";
import { Budget, Decimal, Source, type World } from "@portcullis/lang";
import { type PlainObject, RegoError, type Value, compile, toJson } from "@portcullis/rego";

const folder = join(import.meta.dirname, "answers");

const world: World = {
  nowMs: 1_700_000_000_000,
  random: () => () => 0.5,
  host: {
    digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
    hmac: (algorithm, key, bytes) => createHmac(algorithm, key).update(bytes).digest(),
    zone: (name, epochMs) => {
      const hours = zoneHours.get(name)?.(epochMs);
      return hours === undefined ? null : { offsetSeconds: hours[0] * 3600, abbreviation: hours[1] };
    },
    signatures: {
      publicKey: (source) => {
        assert.ok("pem" in source, "certificates have keys in PEM");
        return { kind: "other", handle: createPublicKey(source.pem) };
      },
      verify: (algorithm, { handle }, bytes, signature) => {
        const key = { key: handle as KeyObject, dsaEncoding: "ieee-p1363" } as const;
        return verify(algorithm === "EdDSA" ? null : "sha256", bytes, key, signature);
      },
      sign: () => assert.fail("no call here signs"),
    },
  },
  ask: () => assert.fail("no call here needs the world"),
};

/** The offsets that the cases need, so that they do not depend on the machine's table of zones. */
const zoneHours = new Map<string, (epochMs: number) => readonly [number, string]>([
  ["America/New_York", (ms) => (ms > 1_583_650_800_000 ? [-4, "EDT"] : [-5, "EST"])],
  ["America/Los_Angeles", () => [-8, "PST"]],
  ["Europe/Berlin", () => [1, "CET"]],
  ["Australia/Sydney", () => [11, "AEDT"]],
  ["Asia/Kolkata", () => [5.5, "IST"]],
  ["Asia/Tokyo", () => [9, "JST"]],
]);

/** `= JSON`, `! code: message` or `undefined`, as the files have it. */
function answer(call: string): string {
  const { value: program, diagnostics } = compile({
    modules: [],
    query: { source: new Source("query.rego", `x = ${call}`), version: "v1" },
    strictBuiltinErrors: true,
    load: (code, parameters) => compileFunction(code, [...parameters]) as (...args: readonly unknown[]) => unknown,
  });
  assert.ok(program !== null, diagnostics.map((diagnostic) => diagnostic.message).join("\n"));
  try {
    const [bindings] = program.query({ world, budget: new Budget({}, () => 0) });
    return bindings === undefined ? "undefined" : `= ${canonical(bindings["x"] as Value)}`;
  } catch (error) {
    if (!(error instanceof RegoError)) throw error;
    return `! ${error.code}: ${error.message.replaceAll("\n", "\\n")}`;
  }
}

/** JSON with sorted keys, so that only the value counts. */
function canonical(value: Value): string {
  return JSON.stringify(sorted(toJson(value)));
}

function sorted(value: Value): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(sorted);
  const entries = Object.entries(value as PlainObject).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

for (const file of readdirSync(folder)) {
  const lines = readFileSync(join(folder, file), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  test(`OPA's answers: ${file}`, () => {
    for (let at = 0; at < lines.length; at += 2) {
      const call = lines[at] as string;
      assert.equal(answer(call), (lines[at + 1] as string).trim(), call);
    }
  });
}
