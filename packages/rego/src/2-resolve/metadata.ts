// `rego.metadata.rule()` and `rego.metadata.chain()` are known when a policy is compiled: the rule binds their values
// at its start, and the calls become equalities with them. OPA: v1/ast/compile.go rewriteRegoMetadataCalls,
// v1/ast/annotations.go AnnotationSet.

import { errorAt, numberOf, type Span } from "@portcullis/lang";
import type { Annotation, Body, Expr, Module, Rule, Term } from "../ast.ts";
import { rulePath } from "../ruletree.ts";
import { callsBuiltin, generatedEq, groundPrefix, isEmptyBody, objectTerm, stringTerm, varTerm } from "../terms.ts";
import { refText, termText } from "../termtext.ts";
import { rewriteBody, rewriteRule, type Rewriter, rewriteTerm, walk } from "../visit.ts";
import type { Stage } from "./stage.ts";

export function rewriteMetadata(modules: readonly Module[], stage: Stage): readonly Module[] {
  checkRedeclared(modules, stage);
  return modules.map((module) => {
    if (!module.rules.some((rule) => callsMetadata(rule))) return module;
    return {
      ...module,
      rules: module.rules.map((rule) =>
        rewriteRule(rule, { rule: (link) => bindMetadata(link, { module, modules, stage }) }),
      ),
    };
  });
}

const chainName = "rego.metadata.chain";
const ruleName = "rego.metadata.rule";

function callsMetadata(node: Rule | Body): boolean {
  return calls(node, chainName) || calls(node, ruleName);
}

function calls(node: Rule | Body | Term, name: string): boolean {
  let found = false;
  walk(node, {
    expr: (expr): void => {
      found ||= callsBuiltin(expr, name);
    },
  });
  return found;
}

interface Around {
  readonly module: Module;
  readonly modules: readonly Module[];
  readonly stage: Stage;
}

function bindMetadata(rule: Rule, around: Around): Rule {
  const own: Rule = { ...rule, else: null };
  const { span } = rule.head;
  const literals: Expr[] = [];
  const values = new Map<string, Term>();
  const bind = (name: string, value: Term): void => {
    const variable = varTerm(around.stage.names.fresh(), span);
    literals.push(generatedEq(variable, value, span));
    values.set(name, variable);
  };
  if (calls(own, chainName)) bind(chainName, chainTerm(rule, around));
  if (calls(own, ruleName)) bind(ruleName, ruleTerm(rule, around.module));
  if (literals.length === 0) return rule;
  const rewriter: Rewriter = { expr: (expr, descend) => withoutCall(descend(expr), values) };
  const { head } = rule;
  const key = head.key === null || head.key === head.reference.at(-1) ? head.key : rewriteTerm(head.key, rewriter);
  const value = head.value === null ? null : rewriteTerm(head.value, rewriter);
  const body = isEmptyBody(rule.body) ? [] : rewriteBody(rule.body, rewriter);
  return { ...rule, head: { ...head, key, value }, body: [...literals, ...body] };
}

function withoutCall(expr: Expr, values: ReadonlyMap<string, Term>): Expr {
  const name = callsBuiltin(expr, chainName) ? chainName : callsBuiltin(expr, ruleName) ? ruleName : "";
  const value = values.get(name);
  if (value === undefined || expr.kind !== "call") return expr;
  const [output] = expr.args;
  const { span } = expr;
  if (output !== undefined) return generatedEq(output, value, span);
  return { kind: "term", term: value, negated: expr.negated, with: [], generated: true, span };
}

// ── annotations

function ofRule(rule: Rule, module: Module): readonly Annotation[] {
  return module.annotations.filter((one) => one.scope === "rule" && ruleBelow(one, module) === rule);
}

/** The rule that a block stands above. */
function ruleBelow(annotation: Annotation, module: Module): Rule | undefined {
  return module.rules
    .filter((rule) => rule.span.start >= annotation.span.end)
    .reduce<Rule | undefined>(
      (nearest, rule) => (nearest === undefined || rule.span.start < nearest.span.start ? rule : nearest),
      undefined,
    );
}

/** The values of the block nearest to the top of the file, as OPA takes it, or an empty object. */
function ruleTerm(rule: Rule, module: Module): Term {
  const [first] = ofRule(rule, module).toSorted((a, b) => a.span.start - b.span.start);
  return first === undefined ? objectTerm([], rule.head.span) : annotationTerm(first);
}

interface Link {
  readonly path: readonly Term[];
  readonly annotation: Annotation | null;
}

/** From the rule outward: its own blocks, its document, its package, and packages above. */
function chainTerm(rule: Rule, around: Around): Term {
  const { span } = rule.head;
  const items = chainLinks(rule, around).map(({ path, annotation }): Term => {
    const names = path.slice(1).map((term) => (term.kind === "string" ? term : stringTerm(termText(term), span)));
    const entries: [Term, Term][] = [[stringTerm("path", span), { kind: "array", items: names, span }]];
    if (annotation !== null) entries.push([stringTerm("annotations", span), annotationTerm(annotation)]);
    return objectTerm(entries, span);
  });
  return { kind: "array", items, span };
}

function chainLinks(rule: Rule, { module, modules }: Around): readonly Link[] {
  const path = groundPrefix(rulePath(module, rule));
  const own = ofRule(rule, module).toSorted((a, b) => b.span.start - a.span.start);
  const first: readonly Link[] =
    own.length === 0 ? [{ path, annotation: null }] : own.map((annotation) => ({ path, annotation }));
  const rest: Link[] = [];
  for (const { annotation, place } of declared(modules, "document")) {
    if (refText(place) === refText(path)) rest.push({ path: place, annotation });
  }
  const packagePath = packageTerms(module);
  const inPackages = declared(modules, "package").filter(({ place }) => refText(place) === refText(packagePath));
  for (const { annotation, place } of inPackages.slice(0, 1)) rest.push({ path: place, annotation });
  const above = declared(modules, "subpackages").filter(({ place }) => isPrefix(place, packagePath));
  for (const { annotation, place } of above.toSorted((a, b) => b.place.length - a.place.length)) {
    rest.push({ path: place, annotation });
  }
  return [...first, ...rest];
}

interface Declared {
  readonly annotation: Annotation;
  readonly place: readonly Term[];
}

/** All annotations of a scope with the path that they are about. */
function declared(modules: readonly Module[], scope: "document" | "package" | "subpackages"): readonly Declared[] {
  return modules.flatMap((module) =>
    module.annotations
      .filter((one) => one.scope === scope)
      .flatMap((annotation): readonly Declared[] => {
        if (scope !== "document") return [{ annotation, place: packageTerms(module) }];
        const rule = ruleBelow(annotation, module);
        return rule === undefined ? [] : [{ annotation, place: groundPrefix(rulePath(module, rule)) }];
      }),
  );
}

function packageTerms(module: Module): readonly Term[] {
  const { path, span } = module.package;
  return path.map((part, at) => (at === 0 ? varTerm(part, span) : stringTerm(part, span)));
}

function isPrefix(prefix: readonly Term[], path: readonly Term[]): boolean {
  return prefix.length <= path.length && refText(path.slice(0, prefix.length)) === refText(prefix);
}

/** One package, document and set of subpackages has one annotation. */
function checkRedeclared(modules: readonly Module[], stage: Stage): void {
  for (const scopes of [["package"], ["document", "subpackages"]] as const) {
    const seen = new Map<string, Annotation>();
    for (const { annotation, place } of scopes.flatMap((scope) => declared(modules, scope))) {
      const key = refText(place);
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, annotation);
        continue;
      }
      const { name } = first.span.source;
      const { line, column } = first.span.source.position(first.span.start);
      const at = name === "" ? `${line}:${column}` : `${name}:${line}`;
      stage.errors.push(
        errorAt("rego_type_error", annotation.span, `${annotation.scope} annotation redeclared: ${at}`),
      );
    }
  }
}

function annotationTerm({ scope, values, span }: Annotation): Term {
  return valueTerm({ ...values, scope }, span);
}

function valueTerm(value: unknown, span: Span): Term {
  if (value === null || value === undefined) return { kind: "null", span };
  if (typeof value === "boolean") return { kind: "boolean", value, span };
  if (typeof value === "number") return { kind: "number", value: numberOf(String(value)), span };
  if (typeof value === "string") return stringTerm(value, span);
  if (Array.isArray(value)) return { kind: "array", items: value.map((item: unknown) => valueTerm(item, span)), span };
  const entries = Object.entries(value).map(
    ([key, item]: [string, unknown]) => [stringTerm(key, span), valueTerm(item, span)] as const,
  );
  return objectTerm(entries, span);
}
