// Gatekeeper keeps templates apart from each other and from its own data by rewriting them before they are compiled:
// the entry module becomes package `template`, libraries move from `data.lib` to `data.libs.lib`, and nothing else of
// `data` may be named but `data.inventory`. Frameworks: pkg/regorewriter.
//
// One deviation: the peer rewrites only references that are a literal's own terms. One inside a call, an array or a
// comprehension keeps pointing at `data.lib`, where nothing is, so that the call is refused as undefined or the rule
// silently never fires. Here every reference is rewritten.

import {
  type Import,
  type Module,
  type RefTerm,
  type Rule,
  type StringTerm,
  type Term,
  rewriteModule,
  termText,
  walk,
} from "@portcullis/rego";
import type { Span } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Scope } from "../../engine/policy.ts";

/** Why a module is refused: Gatekeeper's text, and the place. */
export interface Refusal {
  readonly text: string;
  readonly span: Span | null;
}

/** The first thing that may not be there, in the order in which Gatekeeper looks; null when all is well. */
export function refusalOf(entry: Module, libraries: readonly Module[]): Refusal | null {
  return (
    firstOf(libraries, refusedPackage) ??
    firstOf([...libraries, entry], (module) => firstOf(module.imports, refusedImport)) ??
    firstOf([...libraries, entry], refusedReferences)
  );
}

/** The entry module as package `template`, with its references moved. */
export function rewriteEntry(module: Module): Module {
  return moved({ ...module, package: { ...module.package, path: ["data", "template"] } });
}

/** A library below `data.libs`. */
export function rewriteLibrary(module: Module): Module {
  const [data = "data", ...rest] = module.package.path;
  return moved({ ...module, package: { ...module.package, path: [data, "libs", ...rest] } });
}

/** Whether modules look at who asks: the word stands nowhere else in a review, whatever way it is reached. */
export function readsRequester(modules: readonly Module[]): boolean {
  let reads = false;
  const named = (term: Term): boolean => term.kind === "string" && term.value === "userInfo";
  for (const module of modules) {
    walk(module, {
      term: (term) => {
        reads ||= named(term);
      },
    });
  }
  return reads;
}

/**
 * The kinds of synchronised objects that modules look at; empty when they look at none. Names that stand for a part of the
 * inventory (`inv := data.inventory.namespace`) are followed, and where they come from counts as well: what goes
 * another way, as the argument of a function, may be any kind.
 */
export function inventoryReads(modules: readonly Module[]): readonly Scope[] {
  const kinds = new Set<string>();
  for (const module of modules) {
    const ofModule = namedByRules(module);
    for (const rule of module.rules) {
      const within = namedWithin(rule);
      const meant: Meaning = (name) => within.get(name) ?? ofModule.get(name);
      walk(rule, {
        term: (term) => {
          const found = term.kind === "ref" ? followed(term, meant) : term;
          if (isInventory(found)) kinds.add(kindRead(found));
        },
      });
    }
  }
  const isAny = kinds.delete("*/*");
  return [...(isAny ? [{}] : []), ...(kinds.size > 0 ? [{ kinds: [...kinds].toSorted() }] : [])];
}

/** What a name stands for. */
type Meaning = (name: string) => RefTerm | undefined;

/** `inv = data.inventory` as a rule. */
function namedByRules(module: Module): ReadonlyMap<string, RefTerm> {
  return new Map(
    module.rules.flatMap(({ head: { reference, args, value } }) => {
      const [name, ...rest] = reference;
      const isName = name?.kind === "var" && rest.length === 0 && args === null && value?.kind === "ref";
      return isName ? [[name.name, value] as const] : [];
    }),
  );
}

function namedWithin(rule: Rule): ReadonlyMap<string, RefTerm> {
  const names = new Map<string, RefTerm>();
  walk(rule, {
    expr: (expr) => {
      if (expr.kind !== "call" || !isUnification(expr.operator)) return;
      const [left, right] = expr.args;
      if (left?.kind === "var" && right?.kind === "ref") names.set(left.name, right);
      if (right?.kind === "var" && left?.kind === "ref") names.set(right.name, left);
    },
  });
  return names;
}

function isUnification({ head, path }: RefTerm): boolean {
  return head.kind === "var" && (head.name === "assign" || head.name === "eq") && path.length === 0;
}

/** Names may go round in a circle, which the compiler refuses. */
const stepsMax = 10;
/** So much of a path says which kind is meant: `inventory.namespace[ns][version][kind]`. */
const telling = 5;

/** The reference with what the name at its beginning stands for in its place. */
function followed(ref: RefTerm, meant: Meaning): RefTerm {
  let whole = ref;
  for (let step = 0; step < stepsMax && whole.head.kind === "var"; step++) {
    const part = meant(whole.head.name);
    if (part === undefined) return whole;
    whole = { ...part, path: [...part.path.slice(0, telling), ...whole.path.slice(0, telling)] };
  }
  return whole;
}

// ── checks

function refusedPackage({ package: { path, span } }: Module): Refusal | null {
  if (path[1] === "lib" && path.length > 2) return null;
  return { text: `invalid lib prefix: path ${pathText(path)} not found in lib prefixes`, span };
}

function refusedImport({ path, span }: Import): Refusal | null {
  const root = path.head.kind === "var" ? path.head.name : "";
  if (root === "input") return { text: `invalid import: cannot import input: ${quote(termText(path))}`, span };
  if (root === "future" || (root === "data" && stringAt(path, 0) === "lib")) return null;
  return { text: `invalid import: bad import: ${quote(termText(path))}`, span };
}

/** As in the peer, a reference within a reference is not looked at; `data` holds nothing that it could reach. */
function refusedReferences(module: Module): Refusal | null {
  const found: { readonly text: string; readonly span: Span }[] = [];
  walk(module, {
    term: (term) => {
      if (!isDataRoot(term)) return term.kind === "ref" ? false : undefined;
      const first = term.kind === "ref" ? stringAt(term, 0) : null;
      if (first !== "lib" && first !== "inventory") found.push({ text: termText(term), span: term.span });
      return false;
    },
  });
  const [first] = found;
  if (first === undefined) return null;
  const list = found.map(({ text }) => `disallowed ref ${text}\n`).join("");
  const text = `invalid data references: check refs failed on module {${module.source.name}}: errors (${found.length}):\n${list}`;
  return { text, span: first.span };
}

function firstOf<T>(items: readonly T[], refused: (item: T) => Refusal | null): Refusal | null {
  for (const item of items) {
    const refusal = refused(item);
    if (refusal !== null) return refusal;
  }
  return null;
}

// ── rewriting

function moved(module: Module): Module {
  const rewritten = rewriteModule(module, {
    term: (term, descend) => {
      const inner = descend(term);
      return inner.kind === "ref" ? movedReference(inner) : inner;
    },
    operator: (operator, descend) => movedReference(descend(operator)),
  });
  return { ...rewritten, imports: module.imports.map((one) => ({ ...one, path: movedReference(one.path) })) };
}

function movedReference(ref: RefTerm): RefTerm {
  if (!isDataRoot(ref) || stringAt(ref, 0) === "inventory") return ref;
  const libs: StringTerm = { kind: "string", value: "libs", span: ref.head.span };
  return { ...ref, path: [libs, ...ref.path] };
}

// ── references

function isDataRoot(term: Term): boolean {
  return term.kind === "ref" ? isDataRoot(term.head) : term.kind === "var" && term.name === "data";
}

function isInventory(term: Term): term is RefTerm {
  return term.kind === "ref" && isDataRoot(term) && stringAt(term, 0) === "inventory";
}

/** `group/Kind` of `data.inventory.cluster[gv][Kind]` and `data.inventory.namespace[ns][gv][Kind]`, `*` for what varies. */
function kindRead(ref: RefTerm): string {
  const base = stringAt(ref, 1) === "cluster" ? 2 : stringAt(ref, 1) === "namespace" ? 3 : null;
  if (base === null) return "*/*";
  const groupVersion = stringAt(ref, base);
  const group =
    groupVersion === null ? "*" : groupVersion.includes("/") ? groupVersion.slice(0, groupVersion.indexOf("/")) : "";
  return `${group}/${stringAt(ref, base + 1) ?? "*"}`;
}

function stringAt(ref: RefTerm, at: number): string | null {
  const term = ref.path[at];
  return term?.kind === "string" ? term.value : null;
}

function pathText(path: readonly string[]): string {
  const [root = "", ...rest] = path;
  return root + rest.map((step) => (/^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${quote(step)}]`)).join("");
}
