// Compiled admission expressions against one request: conditions, validations, messages and annotations, each a group with
// a budget of costs and with variables of its own. k8s.io/apiserver: see admission.ts.

import { utf8Length } from "@portcullis/lang/go";
import type { Program, ReadVariable, Run } from "../program.ts";
import { CelError, StructValue, type Value } from "../runtime/value.ts";
import { type Type, struct } from "../types.ts";
import type {
  AdmissionExpressions,
  AdmissionInput,
  AdmissionResult,
  AnnotationResult,
  Validation,
  ValidationResult,
} from "./admission.ts";

/** An expression, or why it is none. */
export interface Compiled {
  readonly text: string;
  readonly program: Program | null;
  readonly problem: string;
}

export interface CompiledVariable extends Compiled {
  readonly name: string;
}

export interface Groups {
  readonly variables: readonly CompiledVariable[];
  readonly conditions: readonly Compiled[];
  readonly validations: readonly Compiled[];
  /** Null where a validation has none. */
  readonly messages: readonly (Compiled | null)[];
  readonly annotations: readonly Compiled[];
}

/** The type of `variables`. */
export const variablesType = "kubernetes.variables";

/** In units of cost, but for the message's bytes. k8s.io/apiserver: pkg/apis/cel/config.go. */
const limits = { call: 1_000_000, group: 10_000_000, conditions: 2_500_000, messageBytes: 5120 } as const;

const outOfBudget = "validation failed due to running out of cost budget, no further validation rules will be run";

/** Throws LimitError. */
export function evaluateAdmission(
  expressions: AdmissionExpressions,
  groups: Groups,
  input: AdmissionInput,
): AdmissionResult {
  const chosen = holds(groups, input);
  if (chosen !== true) return chosen === false ? { matches: false } : { matches: true, error: chosen.error };
  const checked = evaluateGroup(groups.validations, groups, input, limits.group);
  if (checked.ended) return { matches: true, error: outOfBudget };
  const withoutAuthorizer = { ...input, authorizer: undefined, requestResource: undefined };
  const messages = evaluateGroup(groups.messages, groups, withoutAuthorizer, limits.group - checked.cost);
  const annotated = evaluateGroup(groups.annotations, groups, withoutAuthorizer, limits.group);
  if (annotated.ended) return { matches: true, error: outOfBudget };
  return {
    matches: true,
    error: null,
    validations: expressions.validations.map((validation, at) =>
      resultOf(validation, checked.values[at] as Evaluated, messages.ended ? null : (messages.values[at] as Evaluated)),
    ),
    annotations: expressions.auditAnnotations.map(({ key, valueExpression }, at) =>
      annotationOf(key, valueExpression, annotated.values[at] as Evaluated),
    ),
  };
}

/** One condition that does not hold decides; else errors do. */
function holds(groups: Groups, input: AdmissionInput): boolean | { readonly error: string } {
  const { values, ended } = evaluateGroup(
    groups.conditions,
    groups,
    { ...input, namespaceObject: null },
    limits.conditions,
  );
  if (ended) return { error: outOfBudget };
  if (values.some(({ value }) => value === false)) return false;
  const errors = [...new Set(values.flatMap(({ error }) => error ?? []))];
  if (errors.length === 0) return true;
  return { error: errors.length === 1 ? (errors[0] as string) : `[${errors.join(", ")}]` };
}

function resultOf(validation: Validation, { value, error }: Evaluated, message: Evaluated | null): ValidationResult {
  if (error !== null) return { outcome: "error", message: error, reason: "" };
  if (message === null) return { outcome: "error", message: `failed messageExpression: ${outOfBudget}`, reason: "" };
  if (value === true) return { outcome: "admit", message: "", reason: "" };
  const text =
    evaluatedMessage(message) || validation.message.trim() || `failed expression: ${validation.expression.trim()}`;
  return { outcome: "deny", message: text, reason: validation.reason === "" ? "Invalid" : validation.reason };
}

/** Empty where it is of no use: too long, or of several lines. */
function evaluatedMessage({ value }: Evaluated): string {
  if (typeof value !== "string") return "";
  const text = value.trim();
  return text.includes("\n") || utf8Length(text) > limits.messageBytes ? "" : text;
}

function annotationOf(key: string, expression: string, { value, error }: Evaluated): AnnotationResult {
  if (error !== null) return { key, outcome: "error", text: error };
  const text = typeof value === "string" ? value.trim() : "";
  if (text !== "") return { key, outcome: "publish", text };
  if (value === null || typeof value === "string") return { key, outcome: "exclude", text: "" };
  const why = `valueExpression '${expression}' resulted in unsupported return type`;
  return { key, outcome: "error", text: `${why}. Return type must be either string or null.` };
}

// ── groups

interface Evaluated {
  readonly value: Value | undefined;
  readonly error: string | null;
}

interface Group {
  readonly values: readonly Evaluated[];
  readonly cost: number;
  /** Whether it cost more than it may; nothing of it counts then. */
  readonly ended: boolean;
}

function evaluateGroup(
  list: readonly (Compiled | null)[],
  { variables }: Groups,
  input: AdmissionInput,
  costMax: number,
): Group {
  const computed = new Variables(variables, input);
  const read = readerOf(input, computed);
  const values: Evaluated[] = [];
  let cost = 0;
  for (const one of list) {
    if (one === null) values.push({ value: undefined, error: null });
    else if (one.program === null) values.push({ value: undefined, error: `compilation error: ${one.problem}` });
    else {
      const outcome = one.program.evaluate({ ...how(input), read });
      cost += outcome.cost + computed.takeCost();
      if (cost > costMax) return { values: [], cost, ended: true };
      const { value } = outcome;
      if (!(value instanceof CelError)) values.push({ value, error: null });
      else values.push({ value: undefined, error: `expression '${one.text}' resulted in error: ${value.message}` });
    }
  }
  return { values, cost, ended: false };
}

function how({ budget, zoneOffset }: AdmissionInput): Omit<Run, "read"> {
  return { budget, zoneOffset, costMax: limits.call };
}

function readerOf(input: AdmissionInput, variables: Variables): ReadVariable {
  return (name) => {
    switch (name) {
      case "object":
        return input.object;
      case "oldObject":
        return input.oldObject;
      case "params":
        return input.params;
      case "request":
        return input.request;
      case "namespaceObject":
        return input.namespaceObject;
      case "authorizer":
        return input.authorizer;
      case "authorizer.requestResource":
        return input.requestResource;
      case "variables":
        return variables;
      default:
        return undefined;
    }
  };
}

/** `variables`: each is computed when it is first read, and its cost counts for whoever reads it. */
class Variables extends StructValue {
  readonly type: Type = struct(variablesType);
  /** Of variables with one name the last counts. */
  readonly #compiled: ReadonlyMap<string, CompiledVariable>;
  readonly #values = new Map<string, Value | CelError>();
  readonly #read: ReadVariable;
  readonly #how: Omit<Run, "read">;
  #cost = 0;

  constructor(compiled: readonly CompiledVariable[], input: AdmissionInput) {
    super();
    this.#compiled = new Map(compiled.map((one) => [one.name, one]));
    this.#read = readerOf(input, this);
    this.#how = how(input);
  }

  field(name: string): Value | CelError | undefined {
    const known = this.#values.get(name);
    if (known !== undefined) return known;
    const compiled = this.#compiled.get(name);
    if (compiled === undefined) return undefined;
    const value = this.#compute(compiled);
    this.#values.set(name, value);
    return value;
  }

  #compute({ name, program, problem }: CompiledVariable): Value | CelError {
    if (program === null) return new CelError(`composited variable "${name}" fails to compile: ${problem}`);
    const { value, cost } = program.evaluate({ ...this.#how, read: this.#read });
    this.#cost += cost;
    if (!(value instanceof CelError)) return value;
    return new CelError(`composited variable "${name}" fails to evaluate: ${value.message}`);
  }

  takeCost(): number {
    const cost = this.#cost;
    this.#cost = 0;
    return cost;
  }
}
