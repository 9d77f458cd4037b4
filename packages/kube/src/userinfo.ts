// Who asks: authentication.k8s.io/v1 UserInfo as it arrives in an AdmissionReview, and the names of service accounts.

import { isObject, stringAt } from "./object.ts";

export interface UserInfo {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  /** Lists of strings by key; `{}` when absent. */
  readonly extra: unknown;
}

/** Reads a userInfo; what is absent or of another type is empty. */
export function readUserInfo(tree: unknown): UserInfo {
  const groups = isObject(tree) ? tree["groups"] : undefined;
  const extra = isObject(tree) ? tree["extra"] : undefined;
  return {
    username: stringAt(tree, "username"),
    uid: stringAt(tree, "uid"),
    groups: Array.isArray(groups) ? groups.filter((group): group is string => typeof group === "string") : [],
    extra: isObject(extra) ? extra : {},
  };
}

const serviceAccountPrefix = "system:serviceaccount:";

/** Namespace and name of a service account's user name; null for other users. */
export function serviceAccountOf(username: string): { readonly namespace: string; readonly name: string } | null {
  if (!username.startsWith(serviceAccountPrefix)) return null;
  const [namespace, name, rest] = username.slice(serviceAccountPrefix.length).split(":");
  if (namespace === undefined || namespace === "" || name === undefined || name === "" || rest !== undefined)
    return null;
  return { namespace, name };
}
