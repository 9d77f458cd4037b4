// Policies that would never end, or eat all memory, each as a policy set and the request it is asked about.

import { createEngine, gatekeeperFrontend } from "@portcullis/policy";
import { loadCode } from "../packages/portcullis/src/app/host.ts";

export interface Case {
  readonly rego: string;
  /** `spec` of the object that is reviewed. */
  readonly spec?: () => unknown;
}

const text = (length: number): string => "a".repeat(length);
const texts = (count: number, lead: string): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${lead}${at}`);

const twice = ["d0 := input.review.object.spec"]
  .concat(Array.from({ length: 44 }, (_, at) => `  d${at + 1} := [d${at}, d${at}]`))
  .join("\n");

export const cases: Readonly<Record<string, Case>> = {
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
  "a value that holds itself twice, again and again, in a message": {
    rego: `${twice}\n  count(sprintf("%v", [d44])) < 0`,
  },
  "a value that holds itself twice, again and again, as JSON": {
    rego: `${twice}\n  count(json.marshal(d44)) < 0`,
  },
  "a part that repeats itself": {
    rego: "some i; numbers.range(0, 1000000)[i]; indexof(input.review.object.spec.t, input.review.object.spec.p) == i",
    spec: () => ({ t: text(1_000_000), p: `${text(50_000)}b${text(50_000)}` }),
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

/** The policy set of a case, and the request. */
export function prepare({ rego, spec = () => ({}) }: Case) {
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
    object: { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: spec() },
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
