// A template's Rego, compiled once. The text is parsed (v0 unless it says v1), checked and moved by `references.ts`,
// and compiled together with a hook: a module as the peer's driver has it, which calls the template the way Gatekeeper
// does. The hook is never run, because asking the rule directly is faster; it is there for what the type checker says
// about the template through it, such as a violation without `msg`, and so it has the peer's line numbers.
// Frameworks: pkg/client/drivers/rego/{compilers,rego}.go.

import { type Diagnostic, type Out, Source, type Span, errorAt, hasError, limitOf } from "@portcullis/lang";
import {
  type Builtin,
  type CompileRequest,
  type Load,
  type Module,
  type Program,
  type RegoVersion,
  compile,
  opaErrors,
  parseErrors,
  parseModule,
} from "@portcullis/rego";
import type { Scope } from "../../engine/policy.ts";
import { inventoryReads, readsRequester, refusalOf, rewriteEntry, rewriteLibrary } from "./references.ts";

export interface TemplateRego {
  readonly rego: string;
  readonly libs: readonly string[];
  readonly version: RegoVersion;
}

export interface RegoOptions {
  readonly load: Load;
  /** Built-ins that no template may call. */
  readonly disabled?: ReadonlySet<string>;
  /** Built-ins beyond OPA's, such as external_data. */
  readonly extra?: readonly Builtin[];
  readonly print?: boolean;
  readonly trace?: boolean;
}

export interface CompiledRego {
  readonly program: Program;
  /** Synchronised objects that it looks at; empty: none. */
  readonly reads: readonly Scope[];
  /** It looks at who asks. */
  readonly readsRequester: boolean;
  /** It may ask for something that has to be fetched. */
  readonly asks: boolean;
}

/** What came out: a program, or Gatekeeper's whole error text together with the places. */
export type RegoResult =
  | { readonly compiled: CompiledRego; readonly problem: null; readonly diagnostics: readonly Diagnostic[] }
  | { readonly compiled: null; readonly problem: string; readonly diagnostics: readonly Diagnostic[] };

/** Gatekeeper's own OPA. It parses templates without their `# METADATA`. Gatekeeper: go.mod. */
const opa = "1.17";

/** The rule that decides, and its argument-less name in the compiled program. */
export const violationPath = "data.template.violation";

export function compileRego(text: TemplateRego, options: RegoOptions): RegoResult {
  const entry = parse(text.rego, "template", text.version);
  if ("problem" in entry) return entry;
  if (!definesViolation(entry.module)) return refused(missingRule, entry.module.package.span);
  const libraries: Module[] = [];
  for (const [at, library] of text.libs.entries()) {
    const parsed = parse(library, `libs["lib_${at}"]`, text.version);
    if ("problem" in parsed) return parsed;
    libraries.push(parsed.module);
  }
  const refusal = refusalOf(entry.module, libraries);
  if (refusal !== null) return refused(refusal.text, refusal.span);
  const asks = [text.rego, ...text.libs].some((module) => /external_data|http\s*[.[]\s*"?send/.test(module));
  return link([rewriteEntry(entry.module), ...libraries.map(rewriteLibrary)], { ...options, asks });
}

/** What a template's Rego looks at, from its text alone; nothing of what cannot be read. */
export function regoReads({ rego, libs, version }: TemplateRego): readonly Scope[] {
  const parsed = [rego, ...libs].map((text) => parse(text, "template", version));
  return inventoryReads(parsed.flatMap((one) => ("problem" in one ? [] : [one.module])));
}

const missingRule = "invalid rego: invalid module: missing required rules: [violation]";

function link(modules: readonly Module[], options: RegoOptions & { readonly asks: boolean }): RegoResult {
  const { value, diagnostics } = compileSafely(modules, options);
  if (value !== null && !hasError(diagnostics)) {
    const reads = inventoryReads(modules);
    const compiled = { program: value, reads, readsRequester: readsRequester(modules), asks: options.asks };
    return { compiled, problem: null, diagnostics };
  }
  return { compiled: null, problem: `unable to compile modules: ${opaErrors(diagnostics)}`, diagnostics };
}

/** The compiler does not throw at its users. If it does all the same, this template is refused, and no other. */
function compileSafely(modules: readonly Module[], options: RegoOptions): Out<Program | null> {
  const { load, disabled, extra, print = false, trace = false } = options;
  const entrypoints = [violationPath];
  const request: CompileRequest = { modules: [...modules, hook], entrypoints, opa, load, print, trace };
  const allowed = disabled === undefined ? request : { ...request, disabled };
  try {
    return compile(extra === undefined ? allowed : { ...allowed, extra });
  } catch (error) {
    const limit = limitOf(error);
    if (limit !== null) return { value: null, diagnostics: [errorAt("too-large", null, limit.message)] };
    const text = `this is a mistake of the compiler: ${error instanceof Error ? error.message : String(error)}`;
    return { value: null, diagnostics: [errorAt("internal-error", null, text)] };
  }
}

type Parsed = { readonly module: Module } | (RegoResult & { readonly compiled: null });

function parse(text: string, name: string, version: RegoVersion): Parsed {
  const { value, diagnostics } = parseModule({ source: new Source(name, text), version }, { opa, annotations: false });
  if (value !== null && !hasError(diagnostics)) return { module: value };
  return { compiled: null, problem: `invalid ConstraintTemplate: ${parseErrors(diagnostics)}`, diagnostics };
}

function refused(text: string, span: Span | null): RegoResult {
  const problem = `invalid ConstraintTemplate: ${text}`;
  return { compiled: null, problem, diagnostics: [errorAt("template-rego", span, problem.trimEnd())] };
}

/** OPA calls a head by its name only when its reference is a name and at most one key. */
function definesViolation(module: Module): boolean {
  return module.rules.some(({ head: { reference } }) => {
    const [name] = reference;
    return name?.kind === "var" && name.name === "violation" && reference.length <= 2;
  });
}

const hook = hookModule();

function hookModule(): Module {
  const text = `package hooks

# All constraints that matched, each with its own parameters.
violation[response] {
  # A constraint's key is its kind and its name.
  key := input.constraints[_]
  # The review is the same for all of them.
  # A constraint that is gone has no parameters,
  # and then this body has no answer.
  inp := {
    "review": input.review,
    "parameters": data.constraints[key.kind][key.name],
  }
  # The template sees nothing but these two.
  data.template.violation[r] with input as inp
  # Details are optional,
  # the message is not.
  response := {
    "key": key,
    "details": object.get(r, "details", {}),
    "msg": r.msg,
  }
}
`;
  const { value } = parseModule({ source: new Source("hooks.hooks_builtin", text), version: "v0" });
  if (value === null) throw new Error("the hook module does not parse");
  return value;
}
