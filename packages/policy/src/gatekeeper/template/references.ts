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

/** The kinds of synchronised objects that modules look at; empty when they look at none. */
export function inventoryReads(modules: readonly Module[]): readonly Scope[] {
  const kinds = new Set<string>();
  for (const module of modules) {
    walk(module, {
      term: (term) => {
        if (isInventory(term)) kinds.add(kindRead(term));
      },
    });
  }
  if (kinds.size === 0) return [];
  return [kinds.has("*/*") ? {} : { kinds: [...kinds].toSorted() }];
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
