// What a template's Rego looks at, found by reading its tree once: paths below `input`, names that stand in it as
// constants, calls that compare prefixes, and whether such a call decides under a `not`. Rules ask these facts, so that
// none of them walks the tree itself. What a template reaches only through computed names is not seen; rules that
// conclude from absence look at constants too, and rather say nothing.

import { type Span, Source, hasError } from "@portcullis/lang";
import { type Module, type RefTerm, type RegoVersion, type Term, parseModule, walk } from "@portcullis/rego";
import { stringAt, valueAt } from "@portcullis/kube";
import type { PolicySource } from "../../engine/policyset.ts";
import { listAt, stringsAt } from "../tree.ts";
import { fieldsOfModules } from "./fields.ts";

export interface TemplateFacts {
  readonly source: PolicySource;
  /** The constraint kind. */
  readonly kind: string;
  /** Fields of the reviewed object that it looks at, through variables and rules too. */
  readonly fields: readonly string[];
  /** References that begin with `input`, with as much of their path as is constant. */
  readonly inputs: readonly InputReference[];
  /** Constant strings and constant parts of references anywhere in the text. */
  readonly names: ReadonlySet<string>;
  /** Images are compared by how they begin; `negated`: not to begin so is the violation. */
  readonly imagePrefix: "negated" | "plain" | null;
  /** Values of `msg` that cannot be strings. */
  readonly oddMessages: readonly Span[];
}

interface InputReference {
  /** `review`, `object`, `spec`; ends before the first part that is not constant. */
  readonly path: readonly string[];
  /** Whether the reference goes on beyond the path. */
  readonly open: boolean;
  /** In the template's file where it is known. */
  readonly span: Span | null;
}

/** The facts of a ConstraintTemplate; null when its Rego cannot be read, which others report. */
export function factsOf(source: PolicySource): TemplateFacts | null {
  const texts = textsOf(source);
  const modules = texts.map(({ text, version, place }) => {
    const { value, diagnostics } = parseModule({ source: new Source("template", text), version });
    return value === null || hasError(diagnostics) ? null : { module: value, place };
  });
  const read = modules.filter((one) => one !== null);
  if (read.length === 0 || read.length < modules.length) return null;
  const names = new Set<string>();
  const inputs = read.flatMap(({ module, place }) => readModule(module, place, names));
  return {
    source,
    kind: stringAt(source.object, "spec", "crd", "spec", "names", "kind"),
    fields: fieldsOfModules(read.map(({ module }) => module)),
    inputs,
    names,
    imagePrefix: names.has("image") ? prefixUse(read.map(({ module }) => module)) : null,
    oddMessages: read.flatMap(({ module, place }) => oddMessages(module, place)),
  };
}

type Place = (span: Span) => Span | null;

interface RegoText {
  readonly text: string;
  readonly version: RegoVersion;
  readonly place: Place;
}

/** The Rego that decides, and its libraries, with the way to their places in the file. */
function textsOf({ object, locate }: PolicySource): readonly RegoText[] {
  const target = listAt(object, "spec", "targets")[0];
  const path = ["spec", "targets", 0] as const;
  const legacy = stringAt(target, "rego");
  const at = listAt(target, "code").findIndex((code) => stringAt(code, "engine") === "Rego");
  const code = valueAt(listAt(target, "code")[at], "source");
  const isLegacy = legacy !== "";
  const holder = isLegacy ? target : code;
  const base = isLegacy ? path : [...path, "code", at, "source"];
  const version = !isLegacy && stringAt(code, "version") === "v1" ? "v1" : "v0";
  const text = (value: string, ...rest: readonly (string | number)[]): RegoText => ({
    text: value,
    version,
    place: ({ start, end }) => locate?.([...base, ...rest], { start, end }) ?? null,
  });
  const entry = stringAt(holder, "rego");
  if (entry === "") return [];
  return [text(entry, "rego"), ...stringsAt(holder, "libs").map((library, index) => text(library, "libs", index))];
}

function readModule(module: Module, place: Place, names: Set<string>): readonly InputReference[] {
  const inputs: InputReference[] = [];
  walk(module, {
    term: (term) => {
      if (term.kind === "string") names.add(term.value);
      if (term.kind !== "ref") return;
      const path = constantPath(term);
      for (const name of path) names.add(name);
      if (term.head.kind === "var" && term.head.name === "input") {
        inputs.push({ path, open: path.length < term.path.length, span: place(term.span) });
      }
    },
  });
  return inputs;
}

function constantPath({ path }: RefTerm): readonly string[] {
  const constants: string[] = [];
  for (const term of path) {
    if (term.kind !== "string") break;
    constants.push(term.value);
  }
  return constants;
}

const prefixCalls: ReadonlySet<string> = new Set(["startswith", "strings.any_prefix_match", "glob.match"]);

/** Whether prefixes are compared, and whether a `not` stands before the comparison or the function that makes it. */
function prefixUse(modules: readonly Module[]): TemplateFacts["imagePrefix"] {
  const comparing = new Set<string>(prefixCalls);
  let found = false;
  let negated = false;
  for (const module of modules) {
    for (const rule of module.rules) {
      const [name] = rule.head.reference;
      walk(rule, {
        term: (term) => {
          if (term.kind !== "ref" || !prefixCalls.has(referenceName(term))) return;
          found = true;
          if (name?.kind === "var") comparing.add(name.name);
        },
      });
    }
  }
  for (const module of modules) {
    walk(module, {
      expr: (expr) => {
        if (!expr.negated && expr.kind !== "not") return;
        walk(expr, {
          term: (term) => {
            if (comparing.has(term.kind === "ref" ? referenceName(term) : term.kind === "var" ? term.name : ""))
              negated = true;
          },
        });
      },
    });
  }
  return found ? (negated ? "negated" : "plain") : null;
}

/** `strings.any_prefix_match`; empty for references that are no plain name. */
function referenceName({ head, path }: RefTerm): string {
  if (head.kind !== "var") return "";
  return [head.name, ...path.map((term) => (term.kind === "string" ? term.value : "?"))].join(".");
}

function oddMessages(module: Module, place: Place): readonly Span[] {
  return module.rules.flatMap(({ head }) => {
    const [name] = head.reference;
    if (name?.kind !== "var" || name.name !== "violation" || head.key?.kind !== "object") return [];
    const entry = head.key.entries.find(([key]) => key.kind === "string" && key.value === "msg");
    const span = entry === undefined || !neverString(entry[1]) ? null : place(entry[1].span);
    return span === null ? [] : [span];
  });
}

const neverStrings: ReadonlySet<Term["kind"]> = new Set([
  "null",
  "boolean",
  "number",
  "array",
  "object",
  "set",
  "array-comprehension",
  "set-comprehension",
  "object-comprehension",
]);

function neverString({ kind }: Term): boolean {
  return neverStrings.has(kind);
}
