// What a constraint's violations lead to, per enforcement point. `spec.enforcementAction` is one word for all points,
// or `scoped`, and then `spec.scopedEnforcementActions` lists several actions and the points where each holds; at a
// point that is not listed the constraint is not evaluated. Frameworks: pkg/apis/constraints/apis.go.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { Profile } from "../../engine/frontend.ts";
import type { Action } from "../../engine/outcome.ts";
import type { EvaluationRequest, Implied, Json } from "../../engine/request.ts";
import { listAt } from "../tree.ts";

export type Point = "validation.gatekeeper.sh" | "audit.gatekeeper.sh" | "gator.gatekeeper.sh" | "vap.k8s.io";

const points: readonly Point[] = [
  "validation.gatekeeper.sh",
  "audit.gatekeeper.sh",
  "gator.gatekeeper.sh",
  "vap.k8s.io",
];

export interface Enforcement {
  /** As written: deny, warn, dryrun, scoped, or anything else, which enforces nothing. */
  readonly name: string;
  /** What to do at each point where the constraint holds. */
  readonly at: ReadonlyMap<Point, Enforced>;
}

/** What to do at one point. */
export interface Enforced {
  readonly name: string;
  /** The scoped words; empty unless the name is `scoped`. */
  readonly scoped: readonly string[];
  readonly actions: readonly Action[];
}

/** Reads a constraint's enforcement, or gives Gatekeeper's error text. */
export function readEnforcement(constraint: Json): Enforcement | string {
  const name = valueAt(constraint, "spec", "enforcementAction") ?? "deny";
  if (typeof name !== "string") return "invalid Constraint: invalid spec.enforcementAction";
  if (name !== "scoped") {
    const enforced: Enforced = { name, scoped: [], actions: actionsOf([name]) };
    return { name, at: new Map(points.map((point) => [point, enforced])) };
  }
  const list = valueAt(constraint, "spec", "scopedEnforcementActions");
  if (!Array.isArray(list)) return "missing required field: spec.scopedEnforcementActions must be defined";
  if (!list.every(isObject)) return `invalid Constraint: ${malformed}`;
  const scoped = new Map<Point, Set<string>>();
  for (const item of list as readonly Json[]) {
    const action = stringAt(item, "action");
    for (const point of pointsOf(item)) scoped.set(point, (scoped.get(point) ?? new Set()).add(action));
  }
  return { name, at: new Map([...scoped].map(([point, words]) => [point, scopedTo([...words].toSorted())])) };
}

const malformed = "scopedEnforcementActions value must be a [{action: string, enforcementPoints: [{name: string}]}]";

/** The points of one entry; `*` stands for all of them and ends the list. */
function pointsOf(item: Json): readonly Point[] {
  const named: Point[] = [];
  for (const entry of listAt(item, "enforcementPoints")) {
    const name = stringAt(entry, "name");
    if (name === "*") return points;
    const known = points.find((point) => point === name);
    if (known !== undefined) named.push(known);
  }
  return named;
}

function scopedTo(words: readonly string[]): Enforced {
  return { name: "scoped", scoped: words, actions: actionsOf(words) };
}

function actionsOf(words: readonly string[]): readonly Action[] {
  return words.flatMap((word) => actions.get(word) ?? []);
}

const actions: ReadonlyMap<string, Action> = new Map([
  ["deny", "deny"],
  ["warn", "warn"],
  ["dryrun", "record"],
]);

/** What an ExpansionTemplate puts in place of a constraint's own action. Scoped words stay, and say nothing any more. */
export function overriding({ action, actionName }: Implied, { scoped }: Enforced): Enforced {
  const name = actionName ?? (action === "record" ? "dryrun" : (action ?? ""));
  return { name, scoped, actions: action === null ? [] : [action] };
}

/** Where a request comes from, in Gatekeeper's words. What the command line says is what the webhook would do. */
export function pointOf(request: EvaluationRequest, profile: Profile): Point | null {
  if (profile === "gator") return "gator.gatekeeper.sh";
  if (request.point === "schedule") return null;
  return request.point === "audit" ? "audit.gatekeeper.sh" : "validation.gatekeeper.sh";
}

/** The code of diagnostics about enforcement: what a webhook may be told not to look at. */
export const enforcementCode = "enforcement-action";

/** Why Gatekeeper's webhook would not take this constraint; null when it would. Gatekeeper: pkg/util/enforcement_action.go. */
export function unrecognized(constraint: Json): string | null {
  const name = valueAt(constraint, "spec", "enforcementAction");
  if (typeof name !== "string" || name === "") return null;
  if (name !== "scoped") return actions.has(name) ? null : notSupported(quote(name), "[deny dryrun warn scoped]");
  if (valueAt(constraint, "spec", "scopedEnforcementActions") === undefined) return scopedMissing;
  const entries = listAt(constraint, "spec", "scopedEnforcementActions");
  const words = entries.map((entry) => stringAt(entry, "action")).filter((word) => !actions.has(word));
  const unknown = entries.flatMap(unknownPoints);
  const problems: string[] = [];
  if (unknown.length > 0) {
    const supported = `supported enforcement points are [${points.join(" ")}]`;
    const text = `constraint will not be enforced for enforcement points [${unknown.join(" ")}], ${supported}`;
    problems.push(`unrecognized enforcement points: ${text}`);
  }
  if (words.length > 0) problems.push(notSupported(`[${words.join(" ")}]`, "[deny dryrun warn]"));
  return problems.length === 0 ? null : problems.join("\n");
}

const scopedMissing = "error fetching scopedEnforcementActions: scopedEnforcementActions is required";

function unknownPoints(entry: Json): readonly string[] {
  const names = listAt(entry, "enforcementPoints").map((one) => stringAt(one, "name"));
  if (names.length === 0) return [""];
  return names.filter((name) => name !== "*" && !points.some((point) => point === name));
}

function notSupported(got: string, list: string): string {
  return `unrecognized enforcementAction: ${got} is not within the supported list ${list}`;
}
