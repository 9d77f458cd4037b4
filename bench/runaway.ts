// Policies that would never end, or eat all memory: each is stopped at its deadline. Every case runs in a process of its
// own, whose peak memory is the case's; the overrun is how much later than its deadline the decision came. Not a
// comparison (gator has no deadline), but the figures behind "a runaway policy ends within 50 ms of its deadline".

import { Budget } from "@portcullis/lang";
import { createEngine, gatekeeperFrontend } from "@portcullis/policy";
import { loadCode, worldNow } from "../packages/portcullis/src/app/host.ts";
import type { Bench, Row } from "./bench.ts";
import { peakOf, runProcess } from "./process.ts";

export const runaway: Bench = {
  name: "runaway",
  measures: "how late a policy ends that has 200 ms and would run for ever, and the memory it takes",
  run,
};

const deadlineMs = 200;

interface Case {
  readonly rego: string;
  /** `spec` of the object that is reviewed. */
  readonly spec?: () => unknown;
}

const text = (length: number): string => "a".repeat(length);
const texts = (count: number, lead: string): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${lead}${at}`);

const cases: Readonly<Record<string, Case>> = {
  "numbers.range of 1e9 in a loop": {
    rego: "x := numbers.range(0, 1000000000)[_]; y := numbers.range(0, x)[_]; y < 0",
  },
  "nested loops": {
    rego: "a := input.review.object.spec.l[_]; b := input.review.object.spec.l[_]; c := input.review.object.spec.l[_]; concat(a, [b, c]) == `no`",
    spec: () => ({ l: texts(3000, "") }),
  },
  "catastrophic regular expression": {
    rego: "some i; numbers.range(0, 1000000)[i]; regex.match(sprintf(`^(a+)+(a|aa)*%d$`, [i]), input.review.object.spec.t)",
    spec: () => ({ t: `${text(100_000)}!` }),
  },
  "regular expression with large counts": {
    rego: "some i; numbers.range(0, 1000000)[i]; regex.match(sprintf(`((a{0,30}){0,30}){0,%d}b`, [i % 30]), input.review.object.spec.t)",
    spec: () => ({ t: text(100_000) }),
  },
  "one regular expression over 4 MB": {
    rego: "count(regex.find_n(`[a-z]+@[^,]*x{3}`, input.review.object.spec.t, -1)) > 0",
    spec: () => ({ t: text(4_000_000) }),
  },
  "every match of 4 MB": {
    rego: "count(regex.find_all_string_submatch_n(`(a)(a?)`, input.review.object.spec.t, -1)) < 0",
    spec: () => ({ t: text(4_000_000) }),
  },
  "split by a regular expression": {
    rego: "count(regex.split(`a|b`, input.review.object.spec.t)) < 0",
    spec: () => ({ t: text(4_000_000) }),
  },
  "200,000 prefixes of 200,000 texts": {
    rego: "strings.any_prefix_match(input.review.object.spec.l, input.review.object.spec.p)",
    spec: () => ({ l: texts(200_000, "aaaaaaaaaa"), p: texts(200_000, "aaaaaaaaab") }),
  },
  "trim_space of 2 MB in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; trim_space(input.review.object.spec.t) == sprintf(`%d`, [i])",
    spec: () => ({ t: `${" ".repeat(1_000_000)}x${" ".repeat(1_000_000)}` }),
  },
  "a string that doubles": {
    rego: `s0 := input.review.object.spec.t
${Array.from({ length: 24 }, (_, at) => `  s${at + 1} := concat("", [s${at}, s${at}])`).join("\n")}
  count(s24) < 0`,
    spec: () => ({ t: text(1000) }),
  },
  "a set of everything": {
    rego: "count({[a, b] | a := input.review.object.spec.l[_]; b := input.review.object.spec.l[_]}) < 0",
    spec: () => ({ l: texts(20_000, "") }),
  },
  "an array of arrays": {
    rego: "count([x | a := input.review.object.spec.l[_]; b := input.review.object.spec.l[_]; x := [a, b, a, b]]) < 0",
    spec: () => ({ l: texts(20_000, "") }),
  },
  "an object of objects": {
    rego: "count({x: {a: b} | a := input.review.object.spec.l[_]; b := input.review.object.spec.l[_]; x := sprintf(`%s/%s`, [a, b])}) < 0",
    spec: () => ({ l: texts(20_000, "") }),
  },
  "walk of a deep tree": {
    rego: "walk(input.review.object, [p, v]); walk(input.review.object, [q, w]); count(p) + count(q) < 0",
    spec: () => nested(900),
  },
  "sprintf of a big value in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; sprintf(`%v %d`, [input.review.object.spec.l, i]) == `no`",
    spec: () => ({ l: texts(100_000, "x") }),
  },
  "json.marshal and unmarshal in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; json.unmarshal(json.marshal([input.review.object.spec.l, i])) == 1",
    spec: () => ({ l: texts(100_000, "x") }),
  },
  "big numbers": {
    rego: `n0 := to_number(sprintf("%s1", [input.review.object.spec.t]))
${Array.from({ length: 12 }, (_, at) => `  n${at + 1} := n${at} * n${at}`).join("\n")}
  n12 < 0`,
    spec: () => ({ t: "9".repeat(5000) }),
  },
  "glob of 1 MB in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; glob.match(sprintf(`*a*a*a*a*%d`, [i]), [], input.review.object.spec.t)",
    spec: () => ({ t: text(1_000_000) }),
  },
  "sort of 200,000 in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; count(sort(array.concat(input.review.object.spec.l, [i]))) < 0",
    spec: () => ({ l: texts(200_000, "x") }),
  },
  "union of sets in a loop": {
    rego: "s := {x | x := input.review.object.spec.l[_]}; some i; numbers.range(0, 1000000)[i]; count(s | {i}) < 0",
    spec: () => ({ l: texts(200_000, "x") }),
  },
  "graph.reachable of a dense graph": {
    rego: "g := {a: input.review.object.spec.l | a := input.review.object.spec.l[_]}; count(graph.reachable_paths(g, input.review.object.spec.l)) < 0",
    spec: () => ({ l: texts(200, "n") }),
  },
  "replace that grows": {
    rego: "some i; numbers.range(0, 1000000)[i]; count(replace(input.review.object.spec.t, `a`, input.review.object.spec.r)) == i",
    spec: () => ({ t: text(1_000_000), r: text(50) }),
  },
  "base64 and hex in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; hex.encode(base64.encode(input.review.object.spec.t)) == sprintf(`%d`, [i])",
    spec: () => ({ t: text(1_000_000) }),
  },
  "yaml in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; yaml.unmarshal(yaml.marshal([input.review.object.spec.l, i])) == 1",
    spec: () => ({ l: texts(20_000, "x") }),
  },
  "sha256 in a loop": {
    rego: "some i; numbers.range(0, 1000000)[i]; crypto.sha256(input.review.object.spec.t) == sprintf(`%d`, [i])",
    spec: () => ({ t: text(4_000_000) }),
  },
};

function nested(depth: number): unknown {
  let tree: unknown = { l: [] };
  for (let level = 0; level < depth; level++) tree = { a: tree, b: level };
  return tree;
}

interface Measured {
  readonly overrunMs: number;
  readonly megabytes: number;
  readonly answer: string;
}

function measure({ rego, spec = () => ({}) }: Case): Measured {
  const { set, request } = prepare(rego, spec());
  const now = (): number => performance.now();
  const started = now();
  const budget = new Budget({ deadlineMs: started + deadlineMs }, now);
  const decision = set.evaluate(request, worldNow(noCluster), budget, { phases: ["validate"] });
  const overrunMs = now() - started - deadlineMs;
  const answer = "allowed" in decision ? (decision.outcomes[0]?.message ?? "no violation") : "suspended";
  return { overrunMs, megabytes: peakOf(process.pid) ?? Number.NaN, answer };
}

const noCluster = (): { readonly error: string } => ({ error: "there is no cluster" });

function prepare(rego: string, spec: unknown) {
  const engine = createEngine({
    frontends: [gatekeeperFrontend({ load: loadCode })],
    catalog: { resourceOf: () => null, schemaOf: () => null },
    share: 1,
  });
  const set = engine.policySet([template(rego), constraint].map((object) => ({ object, file: "runaway" })));
  const problems = [...set.status.values()].flat();
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
  const kind = { group: "", version: "v1", kind: "Pod" };
  const resource = { group: "", version: "v1", resource: "pods" };
  const request = {
    point: "webhook",
    operation: "CREATE",
    kind,
    resource,
    subResource: "",
    requestKind: kind,
    requestResource: resource,
    namespace: "",
    name: "web",
    uid: "1",
    object: { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec },
    oldObject: null,
    options: null,
    user: null,
    dryRun: false,
    implied: null,
  } as const;
  return { set, request };
}

function template(rego: string): unknown {
  return {
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { name: "runaway" },
    spec: {
      crd: { spec: { names: { kind: "Runaway" } } },
      targets: [
        {
          target: "admission.k8s.gatekeeper.sh",
          rego: `package runaway\nviolation[{"msg": "it ended"}] {\n  ${rego}\n}\n`,
        },
      ],
    },
  };
}

const constraint = {
  apiVersion: "constraints.gatekeeper.sh/v1beta1",
  kind: "Runaway",
  metadata: { name: "runaway" },
  spec: {},
};

async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const name of Object.keys(cases)) {
    // One after the other, because they share two cores.
    // oxlint-disable-next-line no-await-in-loop
    const { stdout, stderr } = await runProcess(process.execPath, [import.meta.filename, name]);
    if (stdout === "") throw new Error(`${name}: ${stderr}`);
    const { overrunMs, megabytes, answer } = JSON.parse(stdout) as Measured;
    const note = `${megabytes.toFixed(0)} MB; ${answer}`;
    rows.push({
      what: `${name}: end after the deadline`,
      unit: "ms",
      ours: overrunMs,
      theirs: null,
      ratio: null,
      note,
    });
  }
  return rows;
}

if (import.meta.main) {
  const chosen = cases[process.argv[2] ?? ""];
  if (chosen === undefined) throw new Error(`no such case: ${process.argv[2]}`);
  console.log(JSON.stringify(measure(chosen)));
}
