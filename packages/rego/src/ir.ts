// The plan: what phase 4 makes of the checked tree and phase 5 writes as JavaScript. A rule is a function; its bodies are
// blocks of statements, each of which succeeds or fails. A statement that has several solutions (a scan) holds the rest
// of its block, so that a block reads as nested loops: failing means "next turn of the innermost loop". Which variables
// are bound is known here, so unification is gone: there are only lets, tests and lookups.

import type { Span } from "@portcullis/lang";
import type { Builtin } from "./builtins/builtin.ts";
import type { Value } from "./runtime/value.ts";

export interface Plan {
  readonly functions: readonly PlannedFunction[];
  readonly constants: readonly Value[];
  readonly builtins: readonly Builtin[];
  /** Places in the policy's text that errors, prints and traces name. */
  readonly sites: readonly Site[];
  /** Paths (`data.a.b` as ["a", "b"]) that some `with` replaces; the state has a flag for each. */
  readonly overlays: readonly (readonly string[])[];
  /** Functions and built-ins that some `with` replaces: how many; the state has a slot for each. */
  readonly mocks: number;
  /** The function of the query, which gives a list of solutions, and the names of its variables. */
  readonly query: { readonly function: number; readonly variables: readonly string[] } | null;
  /** Entry points by name. */
  readonly entries: ReadonlyMap<string, number>;
}

export interface Site {
  readonly span: Span;
}

/** A local variable of a function, or a state of it (state 0 is the caller's). Unique in the function. */
export type Local = number;

export type Operand =
  | { readonly kind: "local"; readonly local: Local }
  /** Index into Plan.constants. */
  | { readonly kind: "constant"; readonly constant: number };

/** What has a value, or is undefined. */
export type Expression =
  | Operand
  | { readonly kind: "input"; readonly state: number }
  | { readonly kind: "data"; readonly state: number }
  | { readonly kind: "path"; readonly base: Expression; readonly keys: readonly Operand[] }
  /** An element that is known to be there, of what is known to be an array. */
  | { readonly kind: "element"; readonly of: Operand; readonly at: number }
  | Call
  | BuiltinCallExpression
  /** One child of a document whose children are rules and base documents, chosen at run time. */
  | { readonly kind: "child"; readonly document: number; readonly key: Operand; readonly state: number }
  /** The keys of such a document, base documents first. */
  | { readonly kind: "children"; readonly document: number; readonly state: number }
  | { readonly kind: "array"; readonly items: readonly Operand[] }
  | { readonly kind: "set"; readonly items: readonly Operand[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [Operand, Operand])[] }
  | { readonly kind: "undefined" };

/** A rule, a document or a function of the policy. */
export interface Call {
  readonly kind: "call";
  readonly function: number;
  readonly args: readonly Operand[];
  readonly state: number;
  /** The slot that holds a replacement while a `with` mocks this function. */
  readonly mock: number | null;
  /** Only one key of a partial object is read, so that conflicts of others do not matter; the path's first key. */
  readonly oneKey?: true;
}

export interface BuiltinCallExpression {
  readonly kind: "builtin";
  readonly builtin: number;
  readonly args: readonly Operand[];
  readonly state: number;
  readonly site: number;
  readonly mock: number | null;
}

export type Test =
  | { readonly kind: "equal"; readonly left: Operand; readonly right: Operand; readonly negated: boolean }
  /** Not the value `false`. */
  | { readonly kind: "true"; readonly value: Expression }
  | { readonly kind: "array"; readonly value: Operand; readonly length: number }
  | { readonly kind: "object"; readonly value: Operand; readonly size: number }
  /** Can be iterated: array, set or object. */
  | { readonly kind: "collection"; readonly value: Operand }
  | { readonly kind: "never" };

export type Block = Statement[];

export type Statement =
  /** Fails when the value is undefined, unless it cannot be. */
  | { readonly kind: "let"; readonly local: Local; readonly value: Expression; readonly total: boolean }
  | { readonly kind: "test"; readonly test: Test }
  /** Elements of a value of any type (none for scalars), in Rego's order where it can be observed. Last in its block. */
  | Scan
  /** Holds unless the block succeeds. */
  | { readonly kind: "not"; readonly block: Block }
  /** Holds if one of the blocks succeeds; tried in order. */
  | { readonly kind: "some"; readonly blocks: readonly Block[] }
  | {
      readonly kind: "every";
      readonly source: Operand;
      readonly key: Local;
      readonly value: Local;
      readonly block: Block;
    }
  /** Collects what `append` statements in the block give. Cannot fail. */
  | {
      readonly kind: "collect";
      readonly what: "array" | "set" | "object";
      readonly local: Local;
      readonly block: Block;
    }
  | With
  /** A literal of the source begins: errors and traces name it. */
  | { readonly kind: "literal"; readonly site: number; readonly visible: readonly Visible[] }
  /** A literal of the source has held. */
  | { readonly kind: "held"; readonly site: number; readonly visible: readonly Visible[] }
  /** A value that depends on itself was reached: the query ends with this message. */
  | { readonly kind: "unbound"; readonly message: Operand; readonly site: number }
  | { readonly kind: "print"; readonly value: Operand; readonly site: number; readonly state: number }
  | Leaf;

export interface Scan {
  readonly kind: "scan";
  readonly source: Operand;
  readonly key: Local;
  readonly value: Local;
  readonly ordered: boolean;
  /** How many scans deep it is, itself included. */
  readonly depth: number;
  readonly block: Block;
}

/** A variable as the user wrote it, and where it is. */
export type Visible = readonly [name: string, operand: Operand];

/** Makes a state in which input, documents or functions are replaced. Values are defined. */
export interface With {
  readonly kind: "with";
  readonly state: number;
  readonly from: number;
  readonly input: readonly { readonly path: readonly Operand[]; readonly value: Operand }[];
  readonly data: readonly {
    readonly path: readonly Operand[];
    readonly value: Operand;
    readonly overlay: number;
  }[];
  readonly mocks: readonly { readonly mock: number; readonly by: Replacement }[];
}

export type Replacement =
  | { readonly kind: "value"; readonly value: Operand }
  | { readonly kind: "function"; readonly function: number }
  | { readonly kind: "builtin"; readonly builtin: number; readonly site: number };

/**
 * What a block does when all its statements held. `depth` is the number of scans that what it gives depends on: deeper
 * ones would only give the same again, so they end here.
 */
export type Leaf =
  /** The block of a `not`, `some` or `every` has succeeded. */
  | { readonly kind: "succeed" }
  /** One element for the `collect` with this local. */
  | {
      readonly kind: "append";
      readonly to: Local;
      readonly what: "array" | "set" | "object";
      readonly key: Operand | null;
      readonly value: Operand;
      readonly depth: number;
      readonly site: number;
    }
  /** The value of a complete rule or function. */
  | { readonly kind: "result"; readonly value: Operand; readonly depth: number }
  /** An element of a partial set, a value at a path of a partial object, or a member of a set at such a path. */
  | {
      readonly kind: "contribute";
      readonly path: readonly Operand[];
      readonly value: Operand;
      readonly what: "element" | "value" | "member";
      readonly depth: number;
    }
  /** A solution of the query. */
  | { readonly kind: "solution"; readonly values: readonly Operand[] };

export interface PlannedFunction {
  readonly name: string;
  /** Locals of the parameters. */
  readonly parameters: readonly Local[];
  readonly body: FunctionBody;
  /** Whether its value may change with the input (or a mocked function) of the state. */
  readonly readsInput: boolean;
  /** Rules and documents are computed once per state, functions where it pays; pure ones once per program. */
  readonly memo: "none" | "state" | "arguments";
  /** Whether it always gives the same for the same arguments, in every evaluation. */
  readonly pure: boolean;
  /** Flags of Plan.overlays under which the base document at `path` answers instead. */
  readonly overlays: readonly number[];
  readonly path: readonly string[];
  /** One more than the largest local, one more than the largest state. */
  readonly locals: number;
}

export type FunctionBody =
  | Complete
  /** `contributions` go into one set, or into one object. */
  | {
      readonly kind: "partial";
      readonly result: "set" | "object";
      readonly definitions: readonly Definition[];
    }
  | { readonly kind: "query"; readonly block: Block }
  /** All children of a node of the rule tree over the base document there. */
  | { readonly kind: "document"; readonly children: readonly DocumentChild[] };

export interface Complete {
  readonly kind: "complete";
  /** Each inner list is an else chain: the first definition with a value wins. */
  readonly chains: readonly (readonly Definition[])[];
  readonly default: Definition | null;
  /** When the values cannot differ, the first one ends the rule. */
  readonly firstWins: boolean;
  /** For conflicts: `rule data.a.p`, `function data.a.f`. */
  readonly what: string;
}

export interface Definition {
  readonly block: Block;
  /** The rule, which conflicts and traces name. */
  readonly site: number;
  readonly headSite: number;
}

export interface DocumentChild {
  readonly key: Value;
  readonly function: number;
  /** Rules hide the base document at their place; deeper documents are merged with it. */
  readonly isRule: boolean;
}
