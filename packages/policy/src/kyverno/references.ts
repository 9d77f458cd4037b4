// References `$(./../key)` inside a tree: a leaf takes the value of another leaf of the same tree, by an absolute or
// relative path, with an operator (`$(<=./../limit)`) that is put before the value. They are resolved before any variable,
// so that it happens once, when the policy is read. A reference that cannot be resolved is an error whenever the tree is
// used. Kyverno: pkg/engine/variables/vars.go substituteReferences.

import { byCodePoints, isObject } from "@portcullis/kube";
import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../engine/request.ts";
import { Failure } from "./failure.ts";
import { referencesIn, withoutEscapes } from "./referencetext.ts";

/** The tree with its references resolved. Throws Failure with Kyverno's text. */
export function resolveReferences(document: Json): Json {
  return hasReference(document) ? resolveIn(document, document, "") : document;
}

function hasReference(tree: Json): boolean {
  if (typeof tree === "string") return tree.includes("$(");
  if (Array.isArray(tree)) return tree.some(hasReference);
  if (!isObject(tree)) return false;
  for (const key of Object.keys(tree)) if (key.includes("$(") || hasReference(tree[key])) return true;
  return false;
}

function resolveIn(tree: Json, document: Json, path: string): Json {
  if (typeof tree === "string") return resolveText(tree, document, path);
  if (Array.isArray(tree)) return tree.map((item: Json, at) => resolveIn(item, document, `${path}/${at}`));
  if (!isObject(tree)) return tree;
  return Object.fromEntries(
    Object.keys(tree)
      .toSorted(byCodePoints)
      .map((key) => [resolveText(key, document, path), resolveIn(tree[key], document, pathBelow(path, key))]),
  );
}

/** The path of a member: a slash in its key is escaped. */
export function pathBelow(path: string, key: string): string {
  return `${path}/${key.replaceAll("/", "\\/")}`;
}

function resolveText(text: string, document: Json, path: string): string {
  let value = text;
  for (const found of referencesIn(text)) {
    const initial = found.startsWith("$(");
    const [first = ""] = found;
    const expression = initial ? found : found.slice(first.length);
    const resolved = resolve(expression, document, path);
    if (resolved === null || resolved === undefined) {
      throw new Failure(`got nil resolved variable ${expression} at path ${path}: <nil>`);
    }
    if (typeof resolved !== "string") {
      throw new Failure(`NotResolvedReferenceErr,reference ${expression} not resolved at path ${path}`);
    }
    value = value.replace(found, () => (initial ? "" : first) + resolved);
  }
  return withoutEscapes(value);
}

function resolve(expression: string, document: Json, path: string): Json {
  const inner = expression.replace(/^[$()]+/, "").replace(/(?<![$()])[$()]+$/, "");
  const operator = operatorOf(inner);
  const target = inner.slice(operator.length);
  const failed = (why: string): Failure => new Failure(`failed to resolve ${expression} at path ${path}: ${why}`);
  if (target === "") throw failed("expected path, found empty reference");
  const found = leafAt(document, target.startsWith("/") ? target : joinPath(path, target));
  if (operator === "") return found;
  const text = operandText(found);
  if (text === null) {
    throw failed(`incorrect expression: operator ${operator} does not match with value ${String(found)}`);
  }
  return operator + text;
}

/** The operator that a pattern begins with; a range counts as one of its own. */
function operatorOf(pattern: string): string {
  if (pattern.length < 2) return "";
  const simple = [">=", "<=", ">", "<", "!"].find((operator) => pattern.startsWith(operator));
  if (simple !== undefined) return simple;
  if (/^[-|+]?\d+(?:\.\d+)?[A-Za-z]*!-[-|+]?\d+(?:\.\d+)?[A-Za-z]*$/.test(pattern)) return "!-";
  return /^[-|+]?\d+(?:\.\d+)?[A-Za-z]*-[-|+]?\d+(?:\.\d+)?[A-Za-z]*$/.test(pattern) ? "-" : "";
}

/** Numbers as Go prints a float with `%f`. */
function operandText(value: Json): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "number") return value.toFixed(6);
  return value instanceof Decimal ? Number(numberText(value)).toFixed(6) : null;
}

/** Go: path.Join of a base that is absolute or empty. */
function joinPath(base: string, relative: string): string {
  const joined = base === "" ? relative : `${base}/${relative}`;
  const steps: string[] = [];
  for (const step of joined.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") steps.push(step);
    else if (steps.length > 0 && steps.at(-1) !== "..") steps.pop();
    else if (!joined.startsWith("/")) steps.push("..");
  }
  return (joined.startsWith("/") ? "/" : "") + steps.join("/");
}

/** The leaf whose path, with anchors taken off, is this one; keys count as leaves at the path of their object. */
function leafAt(document: Json, path: string): Json {
  let found: Json;
  const visit = (tree: Json, at: string): void => {
    if (Array.isArray(tree)) tree.forEach((item: Json, index) => visit(item, `${at}/${index}`));
    else if (isObject(tree)) {
      for (const key of Object.keys(tree).toSorted(byCodePoints)) {
        if (withoutAnchors(at) === path) found = key;
        visit(tree[key], pathBelow(at, key));
      }
    } else if (withoutAnchors(at) === path) found = tree;
  };
  visit(document, "");
  return found;
}

const anchor = /^[+<=X^]?\((.+)\)$/;

function withoutAnchors(path: string): string {
  const absolute = path.startsWith("/");
  const steps = (absolute ? path.slice(1) : path).split("/").map((step) => anchor.exec(step)?.[1] ?? step);
  const joined = joinPath("", steps.filter((step) => step !== "").join("/"));
  return absolute ? `/${joined}` : joined;
}
