// Packages and imports, and what imports switch on. `import rego.v1`, `rego.v2` and `future.keywords…` add keywords to
// the parser for all that follows. OPA: parsePackage, parseImport, regoImport, futureImport.

import type { Import, Package, RefTerm, StringTerm, Term } from "../ast.ts";
import {
  allFuture,
  firstFuture,
  isKeywordOf,
  type Keywords,
  presentKeywords,
  secondFuture,
  withKeywords,
} from "./keyword.ts";
import {
  advance,
  advanceToSpace,
  error,
  errorHere,
  hint,
  isRefKeyword,
  kindOf,
  type Parser,
  spanFrom,
  takeAsName,
  unexpected,
} from "./state.ts";
import { term } from "./term.ts";
import { referenceText, termText, valueName } from "./text.ts";

/** The first token after `package` or `import`, taken for a name; false where it is none, or a reference begins. */
function pathStart(p: Parser): boolean {
  advanceToSpace(p);
  // `package.x` is a reference to something called package.
  if (p.place.kind === "." || p.place.kind === "[") return false;
  if (p.place.kind === "whitespace") advance(p);
  if (isRefKeyword(p)) takeAsName(p);
  if (p.place.kind === "identifier") return true;
  unexpected(p);
  return false;
}

export function packageStatement(p: Parser): Package | null {
  const { start } = p.place.token;
  if (!pathStart(p)) return null;
  const path = term(p);
  if (path === null) return null;
  if (path.kind !== "var" && path.kind !== "ref") {
    unexpected(p);
    return null;
  }
  const steps = path.kind === "var" ? [path] : [path.head, ...path.path];
  const made = packageNames(p, steps);
  return made === null ? null : { path: ["data", ...made], span: spanFrom(p, start) };
}

function packageNames(p: Parser, steps: readonly Term[]): string[] | null {
  const names: string[] = [];
  for (const [index, step] of steps.entries()) {
    if (index === 0 && step.kind === "var") {
      names.push(step.name);
    } else if (index > 0 && step.kind === "string") {
      names.push(step.value);
    } else {
      const expected = index === 0 ? "var" : "string";
      error(p, step.span.start, `unexpected ${valueName(step)} token: expecting ${expected}`);
      return null;
    }
  }
  return names;
}

export function importStatement(p: Parser): Import | null {
  const { start } = p.place.token;
  if (!pathStart(p)) return null;
  const path = importPath(p);
  if (path === null) return null;
  const alias = p.place.kind === "as" ? importAlias(p) : "";
  if (alias === null) return null;
  const made: Import = { path, alias: alias === "" ? null : alias, span: spanFrom(p, start) };
  if (alias === "") checkLastName(p, path);
  return made;
}

/** The path, read without the keywords of the future, which are names in it. */
function importPath(p: Parser): RefTerm | null {
  const { keywords, terms } = p;
  p.keywords = presentKeywords(keywords);
  p.terms = new Map();
  const made = term(p);
  p.keywords = keywords;
  p.terms = terms;
  const path: RefTerm | null =
    made?.kind === "var" ? { kind: "ref", head: made, path: [], span: made.span } : refOf(made);
  for (const step of path?.path ?? []) {
    if (step.kind === "string") continue;
    error(p, step.span.start, `unexpected ${valueName(step)} token: expecting string`);
    return null;
  }
  if (path === null) errorHere(p, "expected path");
  else if (!isImportRoot(path.head)) return unknownRoot(p, path);
  return path;
}

function refOf(made: Term | null): RefTerm | null {
  return made?.kind === "ref" ? made : null;
}

function isImportRoot(head: Term): boolean {
  return head.kind === "var" && ["data", "input", "future", "rego"].includes(head.name);
}

function unknownRoot(p: Parser, path: RefTerm): null {
  hint(p, "if this is unexpected, try updating OPA");
  const roots = "{data, future, input, rego}";
  const message = `unexpected import path, must begin with one of: ${roots}, got: ${termText(path.head)}`;
  error(p, path.span.start, message);
  return null;
}

/** At `as`; null after an error. */
function importAlias(p: Parser): string | null {
  advance(p);
  if (kindOf(p) !== "identifier") {
    unexpected(p, "expected var");
    return null;
  }
  const alias = term(p);
  if (alias?.kind === "var") return alias.name;
  if (alias?.kind === "ref" && alias.path.length === 0) {
    const name = termText(alias.head);
    error(p, alias.span.start, `unexpected import alias, must not be a reserved name, got: ${name}`);
  } else {
    unexpected(p, "expected var");
  }
  return null;
}

/** The last name becomes a variable, so it must not be a keyword; those of the future are imported by name. */
function checkLastName(p: Parser, { head, path }: RefTerm): void {
  const last = path.at(-1) ?? head;
  if (last !== head && head.kind === "var" && head.name === "future") return;
  const name = last.kind === "string" ? last.value : last.kind === "var" ? last.name : "";
  if (!isKeywordOf(p.version, name)) return;
  hint(p, "import a different path or use an alias");
  error(p, last.span.start, `unexpected import path, must not end with a keyword, got: ${name}`);
}

// ── what imports switch on

/** Adds the keywords of `rego.…` and `future.…` imports, and reads the next token again with them. */
export function applyImport(p: Parser, made: Import): void {
  const root = made.path.head.kind === "var" ? made.path.head.name : "";
  if (root === "rego") regoImport(p, made);
  else if (root === "future") futureImport(p, made);
  else return;
  const { place } = p;
  const keyword = p.keywords.get(place.token.text);
  if (place.kind === "identifier" && keyword !== undefined && allFuture.has(place.token.text)) {
    p.place = { ...place, kind: keyword };
  }
}

function stepNames(path: RefTerm): string[] {
  return path.path.map((step) => (step as StringTerm).value);
}

function regoImport(p: Parser, made: Import): void {
  const path = stepNames(made.path).join(".");
  const first = p.options.opa === "1.17";
  if (path !== "v1" && (path !== "v2" || first)) {
    const written = referenceText([made.path.head, ...made.path.path]);
    const choice = first ? "must be `rego.v1`" : "must be one of: `rego.v1`, `rego.v2`";
    error(p, made.path.span.start, `invalid import \`${written}\`, ${choice}`);
  } else if (made.alias !== null) {
    error(p, aliasOffset(made), "`rego` imports cannot be aliased");
  } else if (path === "v2") {
    p.keywords = withKeywords(p.keywords, allFuture);
    p.notBodies = true;
  } else if (p.version === "v0") {
    p.keywords = withKeywords(p.keywords, firstFuture);
  }
}

function aliasOffset(made: Import): number {
  return made.span.end - (made.alias?.length ?? 0);
}

function futureImport(p: Parser, made: Import): void {
  const [first, keyword, ...more] = stepNames(made.path);
  if (first !== "keywords") {
    error(p, made.path.span.start, "invalid import, must be `future.keywords`");
    return;
  }
  if (made.alias !== null) {
    error(p, aliasOffset(made), "`future` imports cannot be aliased");
    return;
  }
  const allowed = importable(p);
  if (keyword === undefined || more.length > 0) {
    p.keywords = withKeywords(p.keywords, allowed);
    p.notBodies ||= p.options.opa !== "1.17" && allowed.has("not");
    return;
  }
  const token = allowed.get(keyword);
  if (token === undefined) {
    const choice = [...allowed.keys()].toSorted().join(" ");
    error(p, made.path.span.start, `unexpected keyword, must be one of [${choice}]`);
    return;
  }
  p.notBodies ||= keyword === "not";
  // OPA 1.17 forgets to leave out the others when it is `not` that is imported.
  const added = keyword === "not" && p.options.opa === "1.17" ? allowed : new Map([[keyword, token]]);
  p.keywords = withKeywords(p.keywords, added);
}

/** The keywords that exist: `and` and `or` came with OPA 1.20. */
function importable(p: Parser): Keywords {
  if (p.options.opa === "1.22") return allFuture;
  return new Map([...firstFuture, ...[...secondFuture].filter(([word]) => word === "not")]);
}
