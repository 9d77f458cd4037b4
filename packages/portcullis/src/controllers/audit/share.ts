// The part of the audit that is a replica's. Objects are divided by their uid over the replicas that audit (rendezvous hashing,
// cluster/shards.ts), so that a report, which is named after the uid, belongs to the replica that judges its object. What
// is one over all objects is written by whoever leads.

import { namespaceOf, nameOf, stringAt } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";
import { ownerOf } from "../../cluster/shards.ts";

export interface AuditShare {
  readonly self: string;
  /** The replicas that audit, in order, `self` among them. */
  readonly members: readonly string[];
  /** All replicas that live, those included that are about to audit. */
  readonly alive: readonly string[];
  readonly leads: boolean;
}

/** One replica alone audits everything. */
export const wholeAudit: AuditShare = { self: "", members: [""], alive: [""], leads: true };

export function isOwn({ self, members }: AuditShare, key: string): boolean {
  return members.length === 1 || ownerOf(members, key) === self;
}

export function isAlone({ members }: AuditShare): boolean {
  return members.length === 1;
}

export function sameMembers(a: AuditShare, b: AuditShare): boolean {
  return a.self === b.self && a.members.join("\n") === b.members.join("\n");
}

/** By what objects are divided. */
export function shardKey(object: ClusterObject): string {
  return stringAt(object, "metadata", "uid") || `${namespaceOf(object)}/${nameOf(object)}`;
}
