// What the validating policies of Kubernetes are made of: conditions that choose, named variables that are computed when
// they are first read, validations with their messages, and annotations for the audit log. ValidatingAdmissionPolicy,
// Kyverno's `validate.cel` and Gatekeeper's K8sNativeValidation are all this.
//
// Each of these lists is one group: its members share the variables that were computed, and one budget of costs, whose end
// ends the group. k8s.io/apiserver: pkg/admission/plugin/policy/validating/validator.go, plugin/cel/{compile,composition,
// activation}.go, plugin/webhook/matchconditions/matcher.go.

import type { Budget } from "@portcullis/lang";
import { compile } from "../compile.ts";
import type { Dialect } from "../dialect.ts";
import { type Environment, createEnvironment } from "../environment.ts";
import type { Library } from "../library.ts";
import type { ZoneOffset } from "../program.ts";
import type { Tree, Value } from "../runtime/value.ts";
import * as types from "../types.ts";
import { type Type, typeText } from "../types.ts";
import {
  type Compiled,
  type CompiledVariable,
  type Groups,
  evaluateAdmission,
  variablesType,
} from "./evaluateadmission.ts";
import { kubernetesLibraries } from "./libraries.ts";
import { requestLibrary } from "./request.ts";

interface Named {
  readonly name: string;
  readonly expression: string;
}

export interface Validation {
  readonly expression: string;
  readonly message: string;
  readonly messageExpression: string;
  /** Empty: `Invalid`. */
  readonly reason: string;
}

interface AuditAnnotation {
  readonly key: string;
  readonly valueExpression: string;
}

export interface AdmissionExpressions {
  readonly matchConditions: readonly Named[];
  readonly variables: readonly Named[];
  readonly validations: readonly Validation[];
  readonly auditAnnotations: readonly AuditAnnotation[];
}

export interface AdmissionOptions {
  readonly dialect: Dialect;
  /** Whether there is a kind of parameters; without, `params` is no variable. */
  readonly hasParams: boolean;
  /** Beside those of Kubernetes. */
  readonly libraries?: readonly Library[];
  /** Kyverno's conditions may read variables, a ValidatingAdmissionPolicy's may not. */
  readonly conditionsReadVariables: boolean;
}

export interface AdmissionInput {
  readonly object: Value;
  readonly oldObject: Value;
  readonly params: Value;
  /** A `kubernetes.AdmissionRequest`, without what is empty. */
  readonly request: Tree;
  readonly namespaceObject: Value;
  /** Undefined: nobody can be asked. */
  readonly authorizer: Value | undefined;
  readonly requestResource: Value | undefined;
  readonly budget: Budget;
  /** Where zones are known by their names. */
  readonly zoneOffset?: ZoneOffset;
}

export interface ValidationResult {
  readonly outcome: "admit" | "deny" | "error";
  readonly message: string;
  readonly reason: string;
}

export interface AnnotationResult {
  readonly key: string;
  readonly outcome: "publish" | "exclude" | "error";
  readonly text: string;
}

export type AdmissionResult =
  | { readonly matches: false }
  /** The conditions or a whole group could not be evaluated. */
  | { readonly matches: true; readonly error: string }
  | {
      readonly matches: true;
      readonly error: null;
      readonly validations: readonly ValidationResult[];
      readonly annotations: readonly AnnotationResult[];
    };

export interface CompiledAdmission {
  /** Of the expressions in the order of the policy, those that do not compile. */
  readonly problems: readonly AdmissionProblem[];
  /** Throws LimitError. */
  evaluate(input: AdmissionInput): AdmissionResult;
}

export interface AdmissionProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function compileAdmission(expressions: AdmissionExpressions, options: AdmissionOptions): CompiledAdmission {
  const bare = environmentsOf(options);
  const fields = emptyFields();
  const full = withVariables(bare.withAuthorizer, fields);
  const variables = compileVariables(expressions.variables, full, fields);
  const conditionsIn = options.conditionsReadVariables ? full : bare.withAuthorizer;
  const messagesIn = withVariables(bare.withoutAuthorizer, fields);
  const compiled: Groups = {
    variables,
    conditions: expressions.matchConditions.map(({ expression }) => compileOne(expression, conditionsIn, [types.bool])),
    validations: expressions.validations.map(({ expression }) => compileOne(expression, full, [types.bool])),
    messages: expressions.validations.map(({ messageExpression }) =>
      messageExpression === "" ? null : compileOne(messageExpression, messagesIn, [types.string]),
    ),
    annotations: expressions.auditAnnotations.map(({ valueExpression }) =>
      compileOne(valueExpression, full, [types.string, types.nullType]),
    ),
  };
  return {
    problems: problemsOf(compiled),
    evaluate: (input) => evaluateAdmission(expressions, compiled, input),
  };
}

// ── compiling

interface Environments {
  readonly withAuthorizer: Environment;
  readonly withoutAuthorizer: Environment;
}

/** One pair for each dialect, with and without parameters: environments are large. */
const environments = new Map<string, Environments>();

function environmentsOf({ dialect, hasParams, libraries: own = [] }: AdmissionOptions): Environments {
  const key = [dialect.celGo, dialect.orValueOfAnything, hasParams, ...own.map(({ name }) => name)].join(" ");
  const known = environments.get(key);
  if (known !== undefined) return known;
  const variables: Readonly<Record<string, Type>> = {
    object: types.dyn,
    oldObject: types.dyn,
    namespaceObject: types.struct("kubernetes.Namespace"),
    request: types.struct("kubernetes.AdmissionRequest"),
    ...(hasParams ? { params: types.dyn } : {}),
  };
  const authorizer = {
    authorizer: types.struct("kubernetes.authorization.Authorizer"),
    "authorizer.requestResource": types.struct("kubernetes.authorization.ResourceCheck"),
  };
  const libraries = [...kubernetesLibraries(dialect), requestLibrary, ...own];
  const made: Environments = {
    withAuthorizer: createEnvironment({ libraries, variables: { ...variables, ...authorizer }, dialect }),
    withoutAuthorizer: createEnvironment({ libraries, variables, dialect }),
  };
  environments.set(key, made);
  return made;
}

type Fields = Record<string, Type>;

const emptyFields = (): Fields => Object.create(null) as Fields;

/** Each variable sees those before it: `fields`, which are those of `variables` in the environment, grow as they are compiled. */
function compileVariables(
  variables: readonly Named[],
  environment: Environment,
  fields: Fields,
): readonly CompiledVariable[] {
  return variables.map(({ name, expression }) => {
    const compiled = compileOne(expression, environment, null);
    fields[name] = declared(compiled.program?.result ?? types.dyn);
    return { name, ...compiled };
  });
}

/** The environment with `variables`. */
function withVariables(environment: Environment, fields: Fields): Environment {
  return environment.extend({
    variables: { variables: types.struct(variablesType) },
    structs: [{ name: variablesType, fields }],
  });
}

/** By the type that was found: that of a variable is a part of the next one's. */
const declaredTypes = new WeakMap<Type, Type>();

function declared(type: Type): Type {
  const known = declaredTypes.get(type) ?? declaredAnew(type);
  declaredTypes.set(type, known);
  declaredTypes.set(known, known);
  return known;
}

/** Types that variables cannot have are any type. k8s.io/apiserver: composition.go convertCelTypeToDeclType. */
function declaredAnew(type: Type): Type {
  switch (type.kind) {
    case "list":
      return types.listOf(declared(type.element));
    case "map":
      return types.mapOf(declared(type.key), declared(type.value));
    case "opaque":
    case "struct":
    case "type":
    case "parameter":
    case "error":
      return types.dyn;
    default:
      return type;
  }
}

/** `wanted` null: any type will do. */
function compileOne(text: string, environment: Environment, wanted: readonly Type[] | null): Compiled {
  const compiled = compile(text, environment);
  if ("refusal" in compiled) {
    const { stage, message } = compiled.refusal;
    const what = stage === "program" ? "program instantiation failed" : "compilation failed";
    return { text, program: null, problem: `${what}: ${message}` };
  }
  const { program } = compiled;
  if (wanted === null) return { text, program, problem: "" };
  const found = typeText(program.result);
  const names = wanted.map(typeText);
  if (names.includes(found)) return { text, program, problem: "" };
  const one = names.length === 1 ? names[0] : `one of [${names.join(" ")}]`;
  return { text, program: null, problem: `must evaluate to ${one} but got ${found}` };
}

function problemsOf({
  variables,
  conditions,
  validations,
  messages,
  annotations,
}: Groups): readonly AdmissionProblem[] {
  const inList = (list: readonly (Compiled | null)[], field: string, part: string): readonly AdmissionProblem[] =>
    list.flatMap((one, at) =>
      one === null || one.program !== null ? [] : [{ path: [field, at, part], message: one.problem }],
    );
  return [
    ...inList(conditions, "matchConditions", "expression"),
    ...inList(variables, "variables", "expression"),
    ...inList(validations, "validations", "expression"),
    ...inList(messages, "validations", "messageExpression"),
    ...inList(annotations, "auditAnnotations", "valueExpression"),
  ];
}
