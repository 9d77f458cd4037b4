// `# METADATA` blocks: comments in column 1 of consecutive lines, whose text is YAML. A block belongs to the statement
// below it, which also decides its scope where none is written. OPA: v1/ast/parser.go parseAnnotations and
// metadataParser, v1/ast/annotations.go attachAnnotationsNodes and attachRuleAnnotations.

import { type Diagnostic, errorAt, type Out, type Source, type Span, spanOf } from "@portcullis/lang";
import { FAILSAFE_SCHEMA, load } from "js-yaml";
import type { Annotation, Comment, Import, Package, Rule, Term } from "../ast.ts";
import { parsed, YamlError } from "../builtins/yamlsyntax.ts";
import { isConstant } from "../visit.ts";
import { normalized } from "./metadata.ts";
import { type Read, typeErrors } from "./metadatatypes.ts";
import { syntaxError } from "./state.ts";
import { referenceText } from "./text.ts";

/** An annotation whose scope is not known yet. */
export interface Block {
  readonly scope: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly span: Span;
}

interface Blocks {
  readonly annotations: readonly Block[];
  readonly diagnostics: readonly Diagnostic[];
}

/** All blocks among the comments, which are in order. */
export function readAnnotations(source: Source, comments: readonly Comment[]): Blocks {
  const annotations: Block[] = [];
  const diagnostics: Diagnostic[] = [];
  let at = 0;
  while (at < comments.length) {
    const first = comments[at++];
    if (first === undefined || !opensBlock(first)) continue;
    const lines: Comment[] = [];
    let previous = first;
    for (let next = comments[at]; next !== undefined && continuesBlock(next, previous); next = comments[++at]) {
      lines.push(next);
      previous = next;
    }
    const span = spanOf(source, first.span.start, previous.span.end);
    const block = readBlock(lines, span);
    if ("message" in block) diagnostics.push(block);
    else annotations.push(block);
  }
  return { annotations, diagnostics };
}

function opensBlock(comment: Comment): boolean {
  return place(comment).column === 1 && comment.text.trimStart().startsWith("METADATA");
}

function continuesBlock(comment: Comment, previous: Comment): boolean {
  const { line, column } = place(comment);
  return column === 1 && line - 1 === place(previous).line && !opensBlock(comment);
}

function place({ span }: { readonly span: Span }): { readonly line: number; readonly column: number } {
  return span.source.position(span.start);
}

function readBlock(lines: readonly Comment[], span: Span): Block | Diagnostic {
  const text = lines.map((line) => `${line.text.replace(/^ /, "")}\n`).join("");
  if (text.trim() === "") return blockError(span, "expected METADATA block, found whitespace");
  const read = readYaml(text);
  if (typeof read === "string") return yamlError(lines, read);
  const misfit = typeErrors(text, read);
  if (misfit !== null) return yamlError(lines, misfit);
  const values = normalized(read);
  return typeof values === "string" ? blockError(span, values) : { ...values, span };
}

/** Or what is wrong with it. */
function readYaml(text: string): Read | string {
  try {
    const { value, source } = parsed(text, (repaired) => load(repaired) ?? {});
    if (typeof value !== "object" || Array.isArray(value)) {
      return `yaml: unmarshal errors:\n  line 1: ${notMapping(value)}`;
    }
    return { values: value, texts: load(source, { schema: FAILSAFE_SCHEMA }) ?? {} } as Read;
  } catch (error) {
    if (error instanceof YamlError) return error.message;
    throw error;
  }
}

function blockError({ source, start }: Span, message: string): Diagnostic {
  return syntaxError(source, start, message);
}

/** As Go's YAML reader says it. */
function notMapping(raw: unknown): string {
  if (Array.isArray(raw)) return "cannot unmarshal !!seq into ast.rawAnnotation";
  const tag = typeof raw === "string" ? "!!str" : typeof raw === "boolean" ? "!!bool" : "!!int";
  const text = typeof raw === "string" ? raw : JSON.stringify(raw);
  return `cannot unmarshal ${tag} \`${text.length > 10 ? `${text.slice(0, 7)}...` : text}\` into ast.rawAnnotation`;
}

/** OPA takes the 1-based line that the message names first for a 0-based one: the blame falls on the line below. */
function yamlError(lines: readonly Comment[], message: string): Diagnostic {
  const line = Number(/line (\d+)/.exec(message)?.[1] ?? 0);
  const blamed = lines[line] ?? lines.at(-1);
  if (blamed === undefined) throw new RangeError("a block that is not empty has lines");
  return blockError(blamed.span, message + separatorHints(lines));
}

/** People forget the space behind a colon. OPA: augmentYamlError. */
function separatorHints(lines: readonly Comment[]): string {
  const hints: string[] = [];
  for (const line of lines) {
    const wrong: string[] = [];
    const parts = line.text.split(":").slice(1);
    for (const [index, part] of parts.entries()) {
      if ((part === "" && index === parts.length - 1) || /^[ \t]/.test(part)) break;
      const [first = "\uFFFD"] = part;
      wrong.push(`'${first}'`);
    }
    if (wrong.length === 0) continue;
    const at = `on line ${place(line).line}, symbol(s) [${wrong.join(" ")}]`;
    hints.push(`\n  Hint: ${at} immediately following a key/value separator ':' is not a legal yaml space character`);
  }
  return hints.join("");
}

// ── attaching

export interface Annotated {
  readonly package: Package;
  readonly imports: readonly Import[];
  readonly rules: readonly Rule[];
  readonly annotations: readonly Block[];
}

interface Attached {
  readonly rules: readonly Rule[];
  readonly annotations: readonly Annotation[];
}

type Target =
  | { readonly kind: "rule"; readonly start: number; readonly rule: Rule }
  | { readonly kind: "package" | "import"; readonly start: number };

/** Finds the statement of each block and gives rules what applies to them. */
export function attachAnnotations(module: Annotated): Out<Attached> {
  const diagnostics: Diagnostic[] = [];
  const found: { readonly annotation: Annotation; readonly target: Target }[] = [];
  const targets = targetsOf(module);
  for (const block of module.annotations) {
    const target = targetBelow(targets, block.span.start);
    const made = scoped(block, target);
    if (typeof made === "string") diagnostics.push(errorAt("rego_parse_error", block.span, made));
    else if (target !== null) found.push({ annotation: made, target });
  }
  const annotations = found.map(({ annotation }) => annotation);
  if (found.length === 0) return { value: { rules: module.rules, annotations }, diagnostics };
  const groups = new Map<string, Group>();
  for (const { annotation, target } of found) {
    if (target.kind !== "rule" || (annotation.scope !== "rule" && annotation.scope !== "document")) continue;
    const path = groundPath(target.rule);
    const group = groups.get(path) ?? { document: [], open: [], above: [] };
    groups.set(path, group);
    (annotation.scope === "document" ? group.document : group.open).push(annotation);
  }
  const rules = module.rules.map((rule) => annotated(rule, groups.get(groundPath(rule))));
  return { value: { rules, annotations }, diagnostics };
}

interface Group {
  /** Apply to every rule with the path. */
  readonly document: Annotation[];
  /** Of scope `rule`, in order; each is taken by the first rule below it. */
  readonly open: Annotation[];
  /** Of `open`, those above the rule at hand that none has taken. */
  readonly above: Annotation[];
}

function annotated(rule: Rule, group: Group | undefined): Rule {
  if (group === undefined) return rule;
  const { document, open, above } = group;
  for (let [next] = open; next !== undefined && next.span.start < rule.span.start; [next] = open) {
    above.push(next);
    open.shift();
  }
  if (document.length + above.length === 0) return rule;
  const own = [...document, ...above].toSorted((a, b) => a.span.start - b.span.start);
  above.pop();
  return { ...rule, annotations: own };
}

/** The fixed part of a rule's path, by which document annotations are shared. */
function groundPath({ head: { reference } }: Rule): string {
  const open = reference.findIndex((step: Term, index) => index > 0 && !isConstant(step));
  return referenceText(open === -1 ? reference : reference.slice(0, open));
}

/** Statements that annotations can stand above, in order. */
function targetsOf({ package: first, imports, rules }: Annotated): Target[] {
  const targets: Target[] = [
    { kind: "package", start: first.span.start },
    ...imports.map(({ span }) => ({ kind: "import", start: span.start }) as const),
    ...rules.map((rule) => ({ kind: "rule", start: rule.span.start, rule }) as const),
  ];
  return targets.toSorted((a, b) => a.start - b.start);
}

/** The first target behind an offset. A block takes whole lines, so what is behind it is below it. */
function targetBelow(targets: readonly Target[], offset: number): Target | null {
  let low = 0;
  let high = targets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((targets[middle]?.start ?? 0) > offset) high = middle;
    else low = middle + 1;
  }
  return targets[low] ?? null;
}

/** The block with its scope, or what is wrong with it. */
function scoped(block: Block, target: Target | null): Annotation | string {
  const scope = block.scope === "" ? impliedScope(block, target) : block.scope;
  const have = target === null ? "" : ` (have ${target.kind})`;
  if (scope === "rule" || scope === "document") {
    if (target?.kind !== "rule") return `annotation scope '${scope}' must be applied to rule${have}`;
  } else if (scope === "package" || scope === "subpackages") {
    if (target?.kind !== "package") return `annotation scope '${scope}' must be applied to package${have}`;
  } else {
    return `invalid annotation scope '${scope}'. Use one of 'rule', 'document', 'package', or 'subpackages'`;
  }
  if (block.values["entrypoint"] === true && scope !== "document" && scope !== "package") {
    return `annotation entrypoint applied to non-document or package scope '${scope}'`;
  }
  return { scope, values: block.values, span: block.span };
}

function impliedScope(block: Block, target: Target | null): string {
  if (target?.kind !== "rule") return target?.kind ?? "";
  return block.values["entrypoint"] === true ? "document" : "rule";
}
