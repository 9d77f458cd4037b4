// The public shapes of the compiler: what goes in, what comes out. `compile.ts` makes a Program from them.

import type { Budget, Out, Source, World } from "@portcullis/lang";
import type { Module, RegoVersion } from "./ast.ts";
import type { Builtin } from "./builtins/builtin.ts";
import type { PlainObject, Value } from "./runtime/value.ts";

export interface RegoText {
  readonly source: Source;
  readonly version: RegoVersion;
}

export type OpaVersion = "1.17" | "1.22";

export interface CompileRequest {
  /** Texts, or trees that were parsed (and perhaps rewritten) before. */
  readonly modules: readonly (RegoText | Module)[];
  /** A query whose variables are the result: `data.test.p = x`. */
  readonly query?: RegoText;
  /** Rules to be called one by one: `data.template.violation`. One that is not defined is undefined, not an error. */
  readonly entrypoints?: readonly string[];
  /** Whose compiler to agree with: Gatekeeper 3.23 has OPA 1.17's, which knows fewer ways to be wrong. Default 1.22. */
  readonly opa?: OpaVersion;
  /** Built-ins that this program may not call: `undefined function http.send`. */
  readonly disabled?: ReadonlySet<string>;
  /** Built-ins beyond OPA's: external_data. */
  readonly extra?: readonly Builtin[];
  /** Built-in errors end the query instead of being undefined. */
  readonly strictBuiltinErrors?: boolean;
  /** Keep `print` calls. */
  readonly print?: boolean;
  /** Compile with hooks for Evaluation.trace; slower. */
  readonly trace?: boolean;
  /** Turns emitted JavaScript into a function of `parameters`; `vm.compileFunction` in Node. */
  readonly load: Load;
}

export type Load = (code: string, parameters: readonly string[]) => (...args: readonly unknown[]) => unknown;

export interface Evaluation {
  readonly input?: Value | undefined;
  /** Base documents, at most one tree: `{inventory: …}`. */
  readonly data?: PlainObject;
  readonly world: World;
  readonly budget: Budget;
  readonly print?: (text: string, at: { readonly file: string; readonly line: number }) => void;
  /** Called by programs compiled with `trace` for each literal that was tried. */
  readonly trace?: (event: TraceEvent) => void;
}

export interface TraceEvent {
  /** `enter` a rule, `literal` that held, `fail` a literal that did not, `exit` a rule with a value. */
  readonly op: "enter" | "exit" | "literal" | "fail";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The source text of the rule head or literal. */
  readonly text: string;
  /** Variables as the user wrote them, with what they are bound to here. */
  readonly locals: ReadonlyMap<string, Value>;
  readonly value?: Value;
}

/** Variables of the query as the user wrote them. */
export type Bindings = Readonly<Record<string, Value>>;

export interface Program {
  /** All solutions of the query. Throws RegoError (conflict, strict built-in error), LimitError, Suspend. */
  query(evaluation: Evaluation): readonly Bindings[];
  /** The value of an entrypoint, undefined when it is undefined. Sets are RegoSet; throws as `query` does. */
  entry(path: string, evaluation: Evaluation): Value | undefined;
  /** The emitted JavaScript, for people. */
  readonly js: string;
  /** The plan, printed, for people. */
  readonly plan: string;
}

/** A module or query that does not compile has `value: null` and at least one error. */
export type Compile = (request: CompileRequest) => Out<Program | null>;

/** An error at run time, with OPA's code and text: `test-0.rego:4: eval_conflict_error: …`. */
export class RegoError extends Error {
  readonly code:
    | "eval_conflict_error"
    | "eval_type_error"
    | "eval_builtin_error"
    | "eval_with_merge_error"
    | "eval_internal_error";
  readonly file: string;
  readonly line: number;
  /** What gave conflicting values: `rule data.a.p`, `function data.a.f`; null for other errors. */
  readonly subject: string | null;
  readonly #message: string | (() => string);

  /** A message that is a function is made when somebody reads it. */
  constructor(
    code: RegoError["code"],
    message: string | (() => string),
    at: { readonly file: string; readonly line: number; readonly subject?: string },
  ) {
    // Policies fail by design, perhaps at every request; where in our code that was helps nobody and takes long to find.
    const { stackTraceLimit } = stackTraces;
    stackTraces.stackTraceLimit = 0;
    super();
    stackTraces.stackTraceLimit = stackTraceLimit;
    this.#message = message;
    this.name = "RegoError";
    this.subject = at.subject ?? null;
    this.code = code;
    this.file = at.file;
    this.line = at.line;
  }

  /** OPA's full text. */
  override toString(): string {
    return `${this.file}:${this.line}: ${this.code}: ${this.message}`;
  }

  static {
    // An accessor of each error's own would give each a hidden class of its own, which only a full collection frees.
    Object.defineProperty(this.prototype, "message", {
      get(this: RegoError) {
        return typeof this.#message === "string" ? this.#message : this.#message();
      },
    });
  }
}

/** V8's, without a type of its own in the language. */
const stackTraces = Error as { stackTraceLimit?: number | undefined };
