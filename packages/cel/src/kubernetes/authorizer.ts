// Asking whether a user may do something. An expression builds up what it asks about, and `check` asks whoever evaluates it;
// nobody to ask is an error. k8s.io/apiserver: pkg/cel/library/authz.go.

import { type UserInfo, dns1123LabelErrors, dns1123SubdomainErrors } from "@portcullis/kube";
import { trimSpace } from "../library/characters.ts";
import { sizeAt } from "../library/cost.ts";
import { method, readType } from "../library/declare.ts";
import type { Library, Overload } from "../library.ts";
import { CelError, Opaque, type Value } from "../runtime/value.ts";

export interface ResourceAttributes {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
  readonly labelSelector: string;
}

export interface AuthorizationQuestion {
  readonly user: UserInfo;
  readonly verb: string;
  readonly about: { readonly path: string } | ResourceAttributes;
}

export interface AuthorizationAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** Empty: there was none. */
  readonly error: string;
}

/** Answers at once: what it needs to know was fetched before. */
export type Authorize = (question: AuthorizationQuestion) => AuthorizationAnswer;

interface Asking {
  readonly user: UserInfo;
  readonly authorize: Authorize | null;
}

const types = {
  authorizer: readType("kubernetes.authorization.Authorizer"),
  path: readType("kubernetes.authorization.PathCheck"),
  group: readType("kubernetes.authorization.GroupCheck"),
  resource: readType("kubernetes.authorization.ResourceCheck"),
  decision: readType("kubernetes.authorization.Decision"),
} as const;

/** One step of building a question, or its answer; each is equal only to itself. */
class Step<T> extends Opaque {
  readonly type;
  readonly content: T;

  constructor(type: keyof typeof types, content: T) {
    super();
    this.type = types[type];
    this.content = content;
  }

  equals(other: Opaque): boolean {
    return other === this;
  }
}

type PathCheck = Step<Asking & { readonly path: string }>;
type GroupCheck = Step<Asking & { readonly group: string }>;
type ResourceCheck = Step<Asking & ResourceAttributes>;
type Decision = Step<AuthorizationAnswer>;

/** The variable `authorizer`. Without a function to ask, `check` is an error. */
export function authorizerOf(user: UserInfo, authorize: Authorize | null): Value {
  return new Step<Asking>("authorizer", { user, authorize });
}

/** The variable `authorizer.requestResource`. */
export function resourceAuthorizerOf(
  user: UserInfo,
  authorize: Authorize | null,
  resource: Omit<ResourceAttributes, "fieldSelector" | "labelSelector">,
): Value {
  return new Step("resource", { user, authorize, ...resource, fieldSelector: "", labelSelector: "" });
}

function ask({ user, authorize }: Asking, verb: string, about: AuthorizationQuestion["about"]): Value | CelError {
  if (authorize === null) return new CelError("authorizer: there is nobody to ask");
  return new Step("decision", authorize({ user, verb, about }));
}

function checkResource(content: Asking & ResourceAttributes, verb: string): Value | CelError {
  const { user, authorize, ...attributes } = content;
  return ask({ user, authorize }, verb, attributes);
}

function pathCheck([{ content }, path]: [Step<Asking>, string]): Value | CelError {
  if (trimSpace(path) === "") return new CelError("path must not be empty");
  return new Step("path", { ...content, path });
}

function serviceAccount([{ content }, namespace, name]: [Step<Asking>, string, string]): Value | CelError {
  if (dns1123SubdomainErrors(name).length > 0) return new CelError("Invalid service account name");
  if (dns1123LabelErrors(namespace).length > 0) return new CelError("Invalid service account namespace");
  const user = {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
  };
  return new Step("authorizer", { ...content, user: { ...content.user, uid: "", extra: {}, ...user } });
}

function resourceCheck([{ content }, resource]: [GroupCheck, string]): Value | CelError {
  if (trimSpace(resource) === "") return new CelError("resource must not be empty");
  const empty = { subresource: "", namespace: "", name: "", fieldSelector: "", labelSelector: "" };
  return new Step("resource", { ...content, resource, ...empty });
}

/** Lists and structs that a selector of this length may hold, in the cost model. */
function selectorCost(args: readonly Value[]): number {
  const length = sizeAt(args, 1);
  return 10 + Math.ceil(length * 0.1) + Math.ceil(Math.ceil(length * 0.5) * 50);
}

const attributes: readonly Overload[] = (
  [
    ["subresource", "resourcecheck_subresource"],
    ["namespace", "resourcecheck_namespace"],
    ["name", "resourcecheck_name"],
    ["fieldSelector", "authorizer_fieldselector"],
    ["labelSelector", "authorizer_labelselector"],
  ] as const
).map(([name, id]) =>
  method(
    `kubernetes.authorization.ResourceCheck.${name}(string) -> kubernetes.authorization.ResourceCheck`,
    id,
    ([{ content }, value]: [ResourceCheck, string]) => new Step("resource", { ...content, [name]: value }),
    name.endsWith("Selector") ? { cost: selectorCost, costsWhenDispatched: true } : {},
  ),
);

const decisions: readonly Overload[] = [
  method(
    "kubernetes.authorization.Decision.allowed() -> bool",
    "decision_allowed",
    ([a]: [Decision]) => a.content.allowed,
  ),
  method(
    "kubernetes.authorization.Decision.reason() -> string",
    "decision_reason",
    ([a]: [Decision]) => a.content.reason,
  ),
  method(
    "kubernetes.authorization.Decision.errored() -> bool",
    "decision_errored",
    ([a]: [Decision]) => a.content.error !== "",
  ),
  method("kubernetes.authorization.Decision.error() -> string", "decision_error", ([a]: [Decision]) => a.content.error),
];

/** So that two checks fit into what an expression may cost, and three do not. */
const checkCost = { cost: () => 350_000, costsWhenDispatched: true } as const;

export const authorizerLibrary: Library = {
  name: "kubernetes.authz",
  overloads: [
    method(
      "kubernetes.authorization.Authorizer.path(string) -> kubernetes.authorization.PathCheck",
      "authorizer_path",
      pathCheck,
    ),
    method(
      "kubernetes.authorization.Authorizer.group(string) -> kubernetes.authorization.GroupCheck",
      "authorizer_group",
      ([{ content }, group]: [Step<Asking>, string]) => new Step("group", { ...content, group }),
    ),
    method(
      "kubernetes.authorization.Authorizer.serviceAccount(string, string) -> kubernetes.authorization.Authorizer",
      "authorizer_serviceaccount",
      serviceAccount,
    ),
    method(
      "kubernetes.authorization.GroupCheck.resource(string) -> kubernetes.authorization.ResourceCheck",
      "groupcheck_resource",
      resourceCheck,
    ),
    ...attributes,
    method(
      "kubernetes.authorization.PathCheck.check(string) -> kubernetes.authorization.Decision",
      "pathcheck_check",
      ([{ content }, verb]: [PathCheck, string]) => ask(content, verb, { path: content.path }),
      checkCost,
    ),
    method(
      "kubernetes.authorization.ResourceCheck.check(string) -> kubernetes.authorization.Decision",
      "resourcecheck_check",
      ([{ content }, verb]: [ResourceCheck, string]) => checkResource(content, verb),
      checkCost,
    ),
    ...decisions,
  ],
};
