// `portcullis explain`: for each object and constraint why it was or was not matched, criterion by criterion, and for
// each message the rule and the literals that held, with the values bound there. What is explained is the request that
// `portcullis test` and the cluster's webhook decide about.

import { builtinCatalog, gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { Span } from "@portcullis/lang";
import { type ExplainedConstraint, type ExplainedResult, type ExplainedStep, explainRequest } from "@portcullis/policy";
import { answerNeeds } from "../../app/assemble.ts";
import { gatorOptions } from "../gator-options.ts";
import { type LoadedObject, loadObjects, nothingIn } from "../load/files.ts";
import { findingLine, objectName } from "../output/finding.ts";
import { UsageError } from "../usage.ts";
import {
  createDecider,
  describeObject,
  partObjects,
  placeOf,
  policyFindings,
  requestOf,
  withDefaultNamespace,
} from "./decide.ts";

export interface ExplainFlags {
  readonly paths: readonly string[];
  /** NAME or KIND/NAME. */
  readonly constraint: string | null;
  /** NAME, NAMESPACE/NAME or KIND/NAME. */
  readonly object: string | null;
  readonly output: "text" | "json";
}

interface Explained {
  readonly object: ReturnType<typeof describeObject>;
  readonly place: ReturnType<typeof placeOf>;
  readonly constraints: readonly ExplainedConstraint[];
}

export function explain({ paths, constraint, object, output }: ExplainFlags): number {
  const loaded = loadObjects(paths, { stdin: paths.length === 0 });
  if (loaded.length === 0) throw nothingIn(paths);
  const parted = partObjects(loaded);
  const { policies, objects, answers } = parted;
  const asked = objects.filter((one) => object === null || isNamed(one, object));
  if (policies.length === 0) {
    throw new UsageError("no policy: give files or folders with templates, constraints and objects");
  }
  if (asked.length === 0)
    throw new UsageError(object === null ? "no objects to explain" : `no object is named ${object}`);
  const context = withDefaultNamespace(objects.map((one) => one.object));
  const answer = answerNeeds([...context, ...answers]);
  const options = {
    ...gatorOptions(),
    catalog: builtinCatalog(),
    ask: (needs: Parameters<typeof explainNeeds>[1]) => explainNeeds(answer, needs),
  };
  const decide = createDecider(parted);
  const explained = asked.map((one): Explained => {
    const request = requestOf(one);
    // Validated is what mutation has made of an object.
    const all = explainRequest(policies, { ...request, object: decide(request).object }, options);
    const wanted = all.filter(
      ({ kind, name }) => constraint === null || constraint === name || constraint === `${kind}/${name}`,
    );
    return { object: describeObject(one.object), place: placeOf(one), constraints: wanted };
  });
  if (explained.every(({ constraints }) => constraints.length === 0)) {
    throw new UsageError(constraint === null ? noConstraints : `no constraint is named ${constraint}`);
  }
  for (const finding of policyFindings(parted)) process.stderr.write(findingLine(finding));
  process.stdout.write(
    output === "json" ? `${JSON.stringify(explained, withoutSources, 2)}\n` : explained.map(textOf).join("\n"),
  );
  return 0;
}

const noConstraints =
  "no constraints to explain; Kyverno's policies are not explained, `portcullis apply --verbose` tells their rules' results";

type Answering = ReturnType<typeof answerNeeds>;

function explainNeeds(answer: Answering, needs: readonly Parameters<Answering>[0][]): readonly ReturnType<Answering>[] {
  return needs.map((need) => answer(need));
}

function isNamed({ object }: LoadedObject, name: string): boolean {
  const own = nameOf(object);
  return name === own || name === `${namespaceOf(object)}/${own}` || name === `${gvkOf(object).kind}/${own}`;
}

/** Spans as file, line and column. */
function withoutSources(key: string, value: unknown): unknown {
  return key === "span" && value !== null ? spanPlace(value as Span) : value;
}

function spanPlace({ source, start }: Span): { readonly file: string; readonly line: number; readonly column: number } {
  return { file: source.name, ...source.position(start) };
}

// ── text

function textOf({ object, place, constraints }: Explained): string {
  const head = `${objectName(object)} (${place.file}:${place.line}:${place.column})`;
  return `${[head, ...constraints.flatMap((one) => constraintLines(one))].join("\n")}\n`;
}

function constraintLines(constraint: ExplainedConstraint): readonly string[] {
  const { kind, name, problem, matched, criteria, results, enforced } = constraint;
  const title = `  ${kind}/${name}`;
  if (problem !== null) return [`${title}: takes no part: ${problem}`];
  if (enforced === null) return [`${title}: takes no part at this enforcement point`];
  const verdict =
    typeof matched === "string" ? `cannot be matched: ${matched}` : matched ? "matches" : "does not match";
  return [
    `${title} (${enforced.name}): ${verdict}`,
    ...criteria.map(({ field, expected, actual, result }) => {
      const mark = result === true ? "yes" : result === false ? "NO " : "?? ";
      const reason = typeof result === "string" ? `: ${result}` : "";
      return `    ${mark} match.${field} ${JSON.stringify(expected)}, the object has ${actual}${reason}`;
    }),
    ...(matched === true && results.length === 0
      ? ["    no violation: no rule `violation` holds for this object"]
      : []),
    ...results.flatMap((result) => resultLines(result)),
  ];
}

function resultLines({ kind, message, rules }: ExplainedResult): readonly string[] {
  return [
    `    ${kind}: ${message}`,
    ...rules.flatMap((rule) => [
      `      made by the rule at ${stepPlace(rule)}`,
      ...rule.literals.map(
        (literal) => `        ${stepPlace(literal)}  ${firstLine(literal.text)}${valuesText(literal)}`,
      ),
    ]),
  ];
}

function stepPlace({ span, file, line, column }: ExplainedStep): string {
  if (span === null) return `${file}:${line}:${column}`;
  const place = spanPlace(span);
  return `${place.file}:${place.line}:${place.column}`;
}

function firstLine(text: string): string {
  const [first = "", ...more] = text.split("\n");
  return more.length === 0 ? first : `${first} …`;
}

/** Bound values, cut where they are long: the JSON output has them whole. */
const valueTextMax = 120;

function valuesText({ values }: ExplainedStep): string {
  const texts = Object.entries(values).map(([name, value]) => {
    const text = JSON.stringify(value);
    return `${name} = ${text.length > valueTextMax ? `${text.slice(0, valueTextMax)}…` : text}`;
  });
  return texts.length === 0 ? "" : `   where ${texts.join(", ")}`;
}
