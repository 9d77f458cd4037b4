// References that can never have a value: a key that a known object lacks, an index into a string, a function that is
// not called. Variables in a reference get the type of the keys that they enumerate. OPA: v1/ast/check.go refChecker.

import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { Body, Expr, RefTerm, Term } from "../ast.ts";
import type { Names } from "../names.ts";
import { compare } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import type { Value } from "../runtime/value.ts";
import { compareTerms, isComposite, isComprehension, isGeneratedName, isRootName, refTerms } from "../terms.ts";
import { refText, termText } from "../termtext.ts";
import { rewriteTerm, type Visitor, walkBody, walkExpr, walkTerm } from "../visit.ts";
import type { FunctionType, Maybe } from "./inferred.ts";
import { anyType, stringType } from "./inferred.ts";
import { writtenName } from "./stage.ts";
import { selectConstant, setVariable, type TypeEnv, typeOf, typeOfNode, typeOfPath } from "./typeenv.ts";
import { keysOf, valuesOf } from "./typeorder.ts";
import { childNode, type TypeNode } from "./typetree.ts";
import { typeText } from "./typetext.ts";
import { unifies, unifyWith } from "./typeunify.ts";

/** How terms were written: made-up locals stand for the terms that they replaced. */
function asWritten(term: Term, names: readonly Names[]): Term {
  return rewriteTerm(term, {
    term: (inner, descend) => {
      if (inner.kind !== "var") return descend(inner);
      for (const one of names) {
        const subject = one.subjects.get(inner.name);
        if (subject !== undefined) return asWritten(subject, names);
      }
      return { ...inner, name: writtenName(inner.name, names) };
    },
  });
}

interface Check {
  readonly env: TypeEnv;
  readonly names: readonly Names[];
  readonly errors: Diagnostic[];
}

/**
 * Checks the references of one literal, bodies of `every`, `not`, `and` and `or` included, comprehensions not. `typeOfAny`
 * also knows built-ins.
 */
export function checkReferences(
  env: TypeEnv,
  expr: Expr,
  { names, typeOfAny }: { readonly names: readonly Names[]; readonly typeOfAny: (ref: RefTerm) => Maybe },
): readonly Diagnostic[] {
  const check: Check = { env, names, errors: [] };
  const visitor: Visitor = {
    term: (term) => {
      if (isComprehension(term)) return false;
      if (term.kind !== "ref") return undefined;
      const path = refTerms(term);
      const type = typeOfAny(term);
      if (type?.kind === "function") {
        check.errors.push(functionReference(path, { at: path.length - 1, type }, names));
        return false;
      }
      const error = checkPath(check, { env, node: env.tree, path, at: 0 });
      if (error !== null) check.errors.push(error);
      return undefined;
    },
  };
  visitLiteral(expr, visitor);
  return check.errors;
}

/** Operators and `with` are not looked at, except in literals that hold bodies. */
function visitLiteral(expr: Expr, visitor: Visitor): void {
  if (expr.kind === "term") {
    walkTerm(expr.term, visitor);
  } else if (expr.kind === "call") {
    for (const arg of expr.args) walkTerm(arg, visitor);
  } else if (expr.kind === "not") {
    visitBody(expr.body, visitor);
  } else {
    const inside: Visitor = {
      ...visitor,
      expr: (inner) => {
        if (inner === expr) return undefined;
        visitLiteral(inner, visitor);
        return false;
      },
    };
    walkExpr(expr, inside);
  }
}

function visitBody(body: Body, visitor: Visitor): void {
  walkBody(body, {
    expr: (expr) => {
      visitLiteral(expr, visitor);
      return false;
    },
  });
}

// ── paths

interface Place {
  readonly env: TypeEnv;
  readonly node: TypeNode;
  readonly path: readonly Term[];
  readonly at: number;
}

function checkPath(check: Check, place: Place): Diagnostic | null {
  const { env, node, path, at } = place;
  const term = path[at];
  if (term === undefined) return null;
  if ((at === 1 || at === 2) && term.kind !== "var" && term.kind !== "string") {
    const have = typeOf(check.env, term);
    return invalid(check, path, { at, have, want: stringType, oneOf: nodeKeys(node) });
  }
  if (term.kind === "var" && at !== 0) {
    const keys = keysOf(typeOfNode(node));
    const known = typeOf(check.env, term);
    if (known === null) setVariable(check.env, term, keys);
    else if (!unifies(keys, known)) return invalid(check, path, { at, have: known, want: keys, oneOf: nodeKeys(node) });
  }
  const child = childNode(node, term);
  if (child === undefined) return checkElsewhere(check, { env, node, path, at });
  if (child.type !== null) return checkLeaf(check, { type: child.type, path, at: at + 1 });
  return checkPath(check, { env, node: child, path, at: at + 1 });
}

/** Where no rule is, there may be a base document of any type. */
function checkElsewhere(check: Check, { env, path }: Place): Diagnostic | null {
  if (env.next !== null) return checkPath(check, { env: env.next, node: env.next.tree, path, at: 0 });
  const head = path[0];
  const at = head?.kind === "var" && isRootName(head.name) ? 1 : 0;
  return checkLeaf(check, { type: anyType, path, at });
}

interface Leaf {
  readonly type: Maybe;
  readonly path: readonly Term[];
  readonly at: number;
}

function checkLeaf(check: Check, { type, path, at }: Leaf): Diagnostic | null {
  const term = path[at];
  if (term === undefined) return null;
  if (isEmptyCollection(type)) return invalid(check, path, { at, have: null, want: null, oneOf: [] });
  const keys = keysOf(type);
  if (keys === null) return unsupported(check, path, { at: at - 1, have: type });
  const { env } = check;
  if (term.kind === "var" || term.kind === "ref") {
    const known = term.kind === "var" ? typeOf(env, term) : typeOfPath(env, refTerms(term));
    if (known !== null && !unifies(known, keys)) {
      return invalid(check, path, { at, have: known, want: keys, oneOf: keysOfType(type).map(format) });
    }
    if (known === null && term.kind === "var") setVariable(env, term, keys);
    return checkLeaf(check, { type: valuesOf(type), path, at: at + 1 });
  }
  if (isComposite(term)) {
    if (unifyWith(env, term, keys)) return checkLeaf(check, { type: valuesOf(type), path, at: at + 1 });
    return invalid(check, path, { at, have: typeOf(env, term), want: keys, oneOf: [] });
  }
  const child = selectConstant(type, term);
  if (child === null) return invalid(check, path, { at, have: null, want: keys, oneOf: keysOfType(type).map(format) });
  return checkLeaf(check, { type: child, path, at: at + 1 });
}

/** A collection that can hold nothing. */
function isEmptyCollection(type: Maybe): boolean {
  if (type?.kind === "object") return type.fields.length === 0 && type.rest === null;
  if (type?.kind === "array") return type.items.length === 0 && type.rest === null;
  return type?.kind === "set" && type.of === null;
}

// ── messages

interface Invalid {
  readonly at: number;
  readonly have: Maybe;
  readonly want: Maybe;
  /** As they are printed. */
  readonly oneOf: readonly string[];
}

function invalid(check: Check, path: readonly Term[], { at, have, want, oneOf }: Invalid): Diagnostic {
  const written = path.map((term) => asWritten(term, check.names));
  const pad = " ".repeat(byteLength(refText(written.slice(0, at))) + 1);
  const lines = [`${pad}^`];
  if (have !== null) lines.push(`${pad}have (type): ${typeText(have)}`);
  else lines.push(`${pad}have: ${termText(written[at] as Term)}`);
  if (oneOf.length > 0) lines.push(`${pad}want (one of): [${oneOf.join(" ")}]`);
  else if (want === null) lines.push(`${pad}want (one of): []`);
  else lines.push(`${pad}want (type): ${typeText(want)}`);
  return undefinedReference(path, written, lines);
}

function unsupported(
  check: Check,
  path: readonly Term[],
  { at, have }: { readonly at: number; readonly have: Maybe },
): Diagnostic {
  const written = path.map((term) => asWritten(term, check.names));
  if (have?.kind === "function") return functionReference(path, { at, type: have }, check.names);
  const lines = [
    "^".repeat(byteLength(refText(written.slice(0, at + 1)))),
    `have: ${have === null ? "<nil>" : typeText(have)}`,
  ];
  return undefinedReference(path, written, lines);
}

function undefinedReference(path: readonly Term[], written: readonly Term[], lines: readonly string[]): Diagnostic {
  const text = refText(written);
  return errorAt("rego_type_error", (path[0] as Term).span, [`undefined ref: ${text}`, text, ...lines].join("\n\t"));
}

function functionReference(
  path: readonly Term[],
  { at, type }: { readonly at: number; readonly type: FunctionType },
  names: readonly Names[],
): Diagnostic {
  const written = path.map((term) => asWritten(term, names));
  const last = written.at(-1);
  const shown = last?.kind === "var" && isGeneratedName(last.name) ? written.slice(0, -1) : written;
  const lines = [
    `function ${refText(shown)} used as reference, not called`,
    refText(written),
    "^".repeat(byteLength(refText(written.slice(0, at + 1)))),
    `have: ${typeText(type)}`,
  ];
  // OPA makes a reference of a built-in's plain name, and gives it no place.
  const span = path.length === 1 ? null : (path[0] as Term).span;
  return errorAt("rego_type_error", span, lines.join("\n\t"));
}

/** OPA pads by bytes. */
function byteLength(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

function nodeKeys(node: TypeNode): readonly string[] {
  const keys = [...node.children.values()].flatMap(({ key }) => (key === null ? [] : [key]));
  return keys.toSorted(compareTerms).map(termText);
}

/** Known keys of an object, or of any object of a union. */
function keysOfType(type: Maybe): readonly Value[] {
  if (type?.kind === "any") return distinct(type.of.flatMap(keysOfType));
  return type?.kind === "object" ? distinct(type.fields.map(({ key }) => key)) : [];
}

function distinct(values: readonly Value[]): readonly Value[] {
  const sorted = values.toSorted(compare);
  return sorted.filter((value, at) => at === 0 || compare(sorted[at - 1] as Value, value) !== 0);
}
