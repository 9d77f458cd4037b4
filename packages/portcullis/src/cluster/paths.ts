// The URLs of Kubernetes' REST interface, both ways: from a resource and a name to a path, and from a request to what it
// is about, so that calls can be counted by verb and resource without each caller saying so.

import type { GroupVersionResource } from "@portcullis/kube";

export interface PathOptions {
  /** Absent or "" for the whole cluster. */
  readonly namespace?: string | undefined;
  /** Absent for the collection. */
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
}

/** `/apis/apps/v1/namespaces/default/deployments/web/scale?dryRun=All` */
export function resourcePath({ group, version, resource }: GroupVersionResource, options: PathOptions = {}): string {
  const { namespace = "", name, subresource, query = {} } = options;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const steps = [
    ...(namespace === "" ? [] : ["namespaces", namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : subresource.split("/")),
  ];
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(Object.fromEntries(said.map(([key, value]) => [key, String(value)]))).toString();
  return `${root}/${steps.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

/** What a request is about, as audit logs and authorizers see it; everything but the verb is "" where it is not said. */
export interface CallSubject {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** "" for paths that are no resource, `/version`. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Kubernetes: k8s.io/apiserver pkg/endpoints/request RequestInfoFactory.NewRequestInfo. */
export function subjectOf(method: string, path: string): CallSubject {
  const [head = "", query = ""] = path.split("?");
  const steps = head.split("/").filter((step) => step !== "");
  const isCore = steps[0] === "api";
  const rest = steps.slice(isCore ? 2 : 3).map(decodeURIComponent);
  const isResource = (isCore || steps[0] === "apis") && rest.length > 0;
  if (!isResource) return { ...nothing, verb: method.toLowerCase() };
  // A Namespace is itself a resource: `namespaces/x`, `namespaces/x/status`, `namespaces/x/finalize`.
  const isWithin = rest[0] === "namespaces" && rest.length > 2 && !["status", "finalize"].includes(rest[2] ?? "");
  const [resource = "", name = "", ...sub] = isWithin ? rest.slice(2) : rest;
  return {
    verb: verbOf(method, name !== "", /(?:^|&)watch=(?:1|true)/.test(query)),
    group: isCore ? "" : (steps[1] ?? ""),
    version: (isCore ? steps[1] : steps[2]) ?? "",
    resource,
    subresource: sub.join("/"),
    namespace: isWithin ? (rest[1] ?? "") : "",
    name,
  };
}

const nothing: CallSubject = {
  verb: "",
  group: "",
  version: "",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
};

function verbOf(method: string, isNamed: boolean, isWatch: boolean): string {
  switch (method) {
    case "GET":
      return isWatch ? "watch" : isNamed ? "get" : "list";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "DELETE":
      return isNamed ? "delete" : "deletecollection";
    default:
      return method.toLowerCase();
  }
}
