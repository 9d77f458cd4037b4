import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { canonicalJson } from "../../../src/engine/digest.ts";
import type { PolicySet } from "../../../src/engine/policyset.ts";
import { type MutationCase, mutateCase, mutationCases, setOf } from "./corpus.ts";

function statusOf({ status }: PolicySet): Readonly<Record<string, string>> {
  const found = [...status].flatMap(([key, diagnostics]) =>
    diagnostics
      .filter(({ code }) => code === "mutator" || code === "mutator-conflict")
      .map(({ message }) => [key.replace("//", "/"), message] as const),
  );
  return Object.fromEntries(found);
}

/** The id of a mutation, which is random. */
function withoutId(text: string): string {
  return text.replaceAll("00000000-0000-4000-8000-000000000000", "00000000-0000-0000-0000-000000000000");
}

function check(one: MutationCase, set: PolicySet): void {
  assert.deepEqual(statusOf(set), one.want.status ?? {});
  if (one.object === undefined) return;
  const { outcomes, object } = mutateCase(one, set);
  const error = outcomes.find(({ result }) => result === "error")?.message ?? "";
  assert.equal(withoutId(error), one.want.error ?? "");
  if (error !== "") return;
  assert.deepEqual(
    JSON.parse(withoutId(canonicalJson(object))),
    JSON.parse(canonicalJson(one.want.object ?? one.object)),
  );
}

const cases = mutationCases();

for (const file of new Set(cases.map((one) => one.file))) {
  suite(`mutation as Gatekeeper's: ${file}`, () => {
    for (const one of cases.filter((any) => any.file === file)) {
      test(one.name, () => check(one, setOf(one, "gator")));
    }
  });
}
