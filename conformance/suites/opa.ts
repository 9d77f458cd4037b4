// OPA's own cases (v1/test/cases): modules, a query, data and input in; bindings or an error out. As in OPA's runner,
// modules have the version of the folder, the query is v1, results are compared as a set of bindings after sets became
// sorted arrays, and both kinds of error check may apply to one case.

import { join } from "node:path";
import { Decimal, Source } from "@portcullis/lang";
import {
  type Builtin,
  type PlainObject,
  type RegoVersion,
  type Value,
  RegoError,
  compare,
  compile,
  t,
  toJson,
} from "@portcullis/rego";
import { filesBelow, readYaml } from "../files.ts";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";
import { loadCode, testWorld, unlimited } from "../world.ts";

interface OpaCase {
  readonly note: string;
  readonly query: string;
  readonly modules?: readonly string[];
  readonly data?: PlainObject;
  readonly input?: Value;
  readonly input_term?: string;
  readonly want_defined?: boolean;
  readonly want_result?: readonly PlainObject[];
  readonly want_error_code?: string;
  readonly want_error?: string;
  readonly sort_bindings?: boolean;
  readonly ignore_generated_vars?: boolean;
  readonly strict_error?: boolean;
}

export const opa: ConformanceSuite = {
  name: "opa",
  needs: "opa",
  load: (dataDir) => (["v0", "v1"] as const).flatMap((version) => casesOf(join(dataDir, "opa", version), version)),
};

/** OPA's runner registers it for cases about time that passes; ours is fixed per decision, so there is nothing to wait for. */
const testSleep: Builtin = { name: "test.sleep", type: t.function([t.string], t.null), evaluate: () => null };

function casesOf(folder: string, version: RegoVersion): readonly ConformanceCase[] {
  return filesBelow(folder, ".yaml").flatMap((file) =>
    readYaml(folder, file).flatMap((document) =>
      ((document as { cases: readonly OpaCase[] }).cases ?? []).map((opaCase, index) => ({
        id: `${version}/${file}:${index} ${opaCase.note}`,
        run: () => check(opaCase, version),
      })),
    ),
  );
}

function check(opaCase: OpaCase, version: RegoVersion): void {
  const input = opaCase.input_term === undefined ? opaCase.input : evaluateTerm(opaCase.input_term);
  const { value: program, diagnostics } = compile({
    modules: (opaCase.modules ?? []).map((text, index) => ({
      source: new Source(`test-${index}.rego`, text),
      version,
    })),
    query: { source: new Source("query.rego", opaCase.query), version: "v1" },
    strictBuiltinErrors: opaCase.strict_error === true,
    extra: [testSleep],
    load: loadCode,
  });
  if (program === null)
    throw new Error(`does not compile: ${diagnostics.map((d) => `${d.code}: ${d.message}`).join("\n")}`);
  let bindings: readonly PlainObject[];
  try {
    bindings = program.query({ input, data: opaCase.data ?? {}, world: testWorld(), budget: unlimited() });
  } catch (error) {
    if (!(error instanceof RegoError)) throw error;
    checkError(opaCase, error);
    return;
  }
  if (opaCase.want_error !== undefined || opaCase.want_error_code !== undefined) {
    throw new Error(
      `expected error ${opaCase.want_error_code ?? ""} ${opaCase.want_error ?? ""}, got ${show(bindings)}`,
    );
  }
  checkResult(opaCase, bindings);
}

function evaluateTerm(text: string): Value | undefined {
  const { value: program, diagnostics } = compile({
    modules: [],
    query: { source: new Source("input_term", `x = ${text}`), version: "v1" },
    load: loadCode,
  });
  if (program === null) throw new Error(`input_term: ${diagnostics[0]?.message ?? ""}`);
  return program.query({ world: testWorld(), budget: unlimited() })[0]?.["x"];
}

function checkError(opaCase: OpaCase, error: RegoError): void {
  const { want_error_code: code, want_error: text } = opaCase;
  if (code === undefined && text === undefined) throw error;
  if (code !== undefined && code !== error.code) throw new Error(`expected ${code}, got ${error.toString()}`);
  if (text !== undefined && !error.toString().includes(text)) {
    throw new Error(`expected an error with\n${text}\ngot\n${error.toString()}`);
  }
}

function checkResult(opaCase: OpaCase, bindings: readonly PlainObject[]): void {
  const { want_defined: defined, want_result: wanted } = opaCase;
  if (defined !== undefined && bindings.length > 0 !== defined) {
    throw new Error(`expected ${defined ? "a defined" : "an undefined"} result, got ${show(bindings)}`);
  }
  if (wanted === undefined) return;
  const got = bindings.map((binding) => prepared(opaCase, binding)).toSorted(compare);
  const want = wanted.map((binding) => prepared(opaCase, binding)).toSorted(compare);
  if (compare(got, want) !== 0) throw new Error(`expected ${show(want)}\ngot      ${show(got)}`);
}

/** A binding as OPA's runner compares it: as JSON, generated variables dropped, arrays in it sorted where the case says so. */
function prepared(opaCase: OpaCase, binding: PlainObject): Value {
  const entries = Object.entries(binding)
    .filter(([name]) => opaCase.ignore_generated_vars !== true || !name.startsWith("__localq"))
    .map(([name, value]) => {
      const json = toJson(value);
      return [name, opaCase.sort_bindings === true && Array.isArray(json) ? json.toSorted(compare) : json] as const;
    });
  return Object.fromEntries(entries);
}

function show(value: Value): string {
  return JSON.stringify(value, (_key, item: unknown) => (item instanceof Decimal ? `#${item.text}` : item));
}
