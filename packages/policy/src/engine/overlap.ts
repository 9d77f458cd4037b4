// Overlaps: policies that decide about the same field of the same kinds, and mutations that write the same path. Neither
// is an error, but who changes one of them should know of the others: a denial may come from either, and a mutation may
// be undone by the next. Dialects say of each of their policies what it is about; here the facts are laid beside each
// other. Facts are what can be read off a policy: a field that is reached through a computed name is not among them.
//
// Findings are grouped, so that ten policies about images give one finding and not forty-five: the fields and kinds that
// the same policies share are told together, at the last of them, with the places of the others.

import { type Diagnostic, type Note, type Span, warningAt } from "@portcullis/lang";

/** What one policy is about. */
export interface PolicyFacts {
  /** As users know it: `ClusterPolicy disallow-root`. */
  readonly policy: string;
  /** `group/Kind`, `*` for either part; null for every kind. */
  readonly kinds: readonly string[] | null;
  /** Names without wildcards that the policy is limited to; null when it is not. */
  readonly namespaces: readonly string[] | null;
  /** Fields that a verdict depends on. */
  readonly decides: readonly FieldFact[];
  /** Fields that a mutation writes. */
  readonly writes: readonly FieldFact[];
}

export interface FieldFact {
  /** `spec.containers[].image`; `[]` stands for every item. */
  readonly path: string;
  readonly span: Span | null;
}

/** Warnings `lint/overlap` and `lint/mutation-overlap`, in the order of the facts. */
export function findOverlaps(facts: readonly PolicyFacts[]): readonly Diagnostic[] {
  return [
    ...overlapsOf(facts, {
      code: "lint/overlap",
      fields: ({ decides }) => decides.filter(({ path }) => !isIdentity(path)),
      meet: (a, b) => a === b,
      text: (policies, fields, kinds) => `${policies} decide about ${fields} of ${kinds}`,
      hint: "keep one, or make sure that they agree: an object has to satisfy all of them",
    }),
    ...overlapsOf(facts, {
      code: "lint/mutation-overlap",
      fields: ({ writes }) => writes,
      meet: (a, b) => a === b || isBelow(a, b) || isBelow(b, a),
      text: (policies, fields, kinds) => `${policies} write ${fields} of ${kinds}`,
      hint: "the last in order wins; let one of them write the field",
    }),
  ];
}

/** Whoever selects objects, or goes through them, looks at these. */
function isIdentity(path: string): boolean {
  if (path.endsWith("[].name")) return true;
  return /^(?:kind|apiVersion|metadata(?:\.name|\.namespace)?|spec(?:\.\w*[cC]ontainers|\.(?:.*\.)?template(?:\.spec)?)?)?$/.test(
    path,
  );
}

function isBelow(path: string, above: string): boolean {
  return path.startsWith(above) && (path[above.length] === "." || path[above.length] === "[");
}

interface Way {
  readonly code: string;
  readonly fields: (facts: PolicyFacts) => readonly FieldFact[];
  /** Whether two paths are about the same thing. */
  readonly meet: (a: string, b: string) => boolean;
  readonly text: (policies: string, fields: string, kinds: string) => string;
  readonly hint: string;
}

interface Member {
  readonly facts: PolicyFacts;
  readonly span: Span | null;
}

interface Group {
  readonly members: readonly Member[];
  readonly kinds: readonly string[];
  readonly paths: string[];
}

function overlapsOf(facts: readonly PolicyFacts[], way: Way): readonly Diagnostic[] {
  const merged = facts.map((one) => ({ facts: one, fields: way.fields(one) }));
  const paths = new Set(merged.flatMap(({ fields }) => fields.map(({ path }) => path)));
  const groups = new Map<string, Group>();
  for (const path of paths) {
    const touching = merged.flatMap(({ facts: one, fields }): readonly Member[] => {
      const field = fields.find((candidate) => way.meet(candidate.path, path));
      return field === undefined ? [] : [{ facts: one, span: field.span }];
    });
    for (const { members, kinds } of parted(touching)) {
      const key = JSON.stringify([members.map(({ facts: { policy } }) => policy), kinds]);
      const known = groups.get(key);
      if (known === undefined) groups.set(key, { members, kinds, paths: [path] });
      else known.paths.push(path);
    }
  }
  return [...groups.values()].map((group) => findingOf(group, way));
}

/** Those that meet on some kind: for each set of at least two different policies, the kinds on which they meet. */
function parted(members: readonly Member[]): readonly Omit<Group, "paths">[] {
  if (new Set(members.map(({ facts }) => facts.policy)).size < 2) return [];
  const kinds = new Set(members.flatMap(({ facts }) => facts.kinds ?? ["*/*"]));
  const bySet = new Map<string, { members: readonly Member[]; kinds: string[] }>();
  for (const kind of kinds) {
    const there = onePerPolicy(
      members.filter(({ facts }) => facts.kinds === null || facts.kinds.some((own) => covers(own, kind))),
    );
    const together = there.filter((one) =>
      there.some((other) => other !== one && shareNamespaces(one.facts, other.facts)),
    );
    if (together.length < 2) continue;
    const key = JSON.stringify(together.map(({ facts }) => facts.policy));
    const known = bySet.get(key);
    if (known === undefined) bySet.set(key, { members: together, kinds: [kind] });
    else known.kinds.push(kind);
  }
  return [...bySet.values()];
}

function onePerPolicy(members: readonly Member[]): readonly Member[] {
  return [...new Map(members.map((member) => [member.facts.policy, member])).values()];
}

/** Whether a pattern of a kind takes in all of another. */
function covers(pattern: string, kind: string): boolean {
  const [group = "", name = ""] = pattern.split("/");
  const [otherGroup = "", otherName = ""] = kind.split("/");
  const isGroup = group === "*" || group === otherGroup || (otherGroup === "*" && otherName !== "*");
  return isGroup && (name === "*" || name === otherName);
}

function shareNamespaces(a: PolicyFacts, b: PolicyFacts): boolean {
  return a.namespaces === null || b.namespaces === null || a.namespaces.some((name) => b.namespaces?.includes(name));
}

function findingOf({ members, kinds, paths }: Group, { code, text, hint }: Way): Diagnostic {
  const last = members.at(-1) as Member;
  const names = members.map(({ facts }) => facts.policy);
  const notes: readonly Note[] = members
    .slice(0, -1)
    .map(({ facts, span }) => ({ message: `${facts.policy} is here`, span }));
  const message = text(
    listed(names),
    listed(shortest(paths).map((path) => `\`${path}\``)),
    listed(named(kinds).map(kindText)),
  );
  return { ...warningAt(code, last.span, message, hint), notes };
}

/** Without what lies below another of them; the first few are enough to find the place. */
function shortest(paths: readonly string[]): readonly string[] {
  const tops = paths.filter((path) => !paths.some((other) => isBelow(path, other)));
  return tops.length <= 3 ? tops : [...tops.slice(0, 2), `and ${tops.length - 2} more fields`];
}

/** A kind of any group is the one of the group that another policy names. */
function named(kinds: readonly string[]): readonly string[] {
  const withGroup = new Set(
    kinds.filter((kind) => !kind.startsWith("*/")).map((kind) => kind.slice(kind.indexOf("/"))),
  );
  return kinds.filter((kind) => !kind.startsWith("*/") || !withGroup.has(kind.slice(1)));
}

function kindText(kind: string): string {
  const [group = "", name = ""] = kind.split("/");
  if (name === "*") return group === "*" || group === "" ? "every kind" : `every kind of ${group}`;
  return group === "" || group === "*" ? name : `${name} (${group})`;
}

function listed(parts: readonly string[]): string {
  const texts = parts.map((part) => part.replace(/^`and (\d+ more fields)`$/, "$1"));
  return texts.length <= 1 ? (texts[0] ?? "") : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}
