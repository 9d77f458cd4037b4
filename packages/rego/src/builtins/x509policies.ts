// Whether the policies of a chain allow it. Nobody asks for a policy here, so it can fail only where a certificate
// authority demands one (RequireExplicitPolicy). Policies of a certificate are joined to those of its issuer level by
// level; what joins to nothing is cut. RFC 5280, RFC 9618; Go: crypto/x509/verify.go policiesValid.

import type { Certificate } from "@portcullis/lang/go";
import { equalBytes } from "./jwtkeys.ts";

const anyPolicy = "2.5.29.32.0";

interface Node {
  readonly policy: string;
  expected: readonly string[];
  readonly parents: Set<Node>;
  readonly children: Set<Node>;
}

function newNode(policy: string, parents: readonly Node[]): Node {
  const node: Node = { policy, expected: [policy], parents: new Set(parents), children: new Set() };
  for (const parent of parents) parent.children.add(node);
  return node;
}

type Level = Map<string, Node>;

/** How many more certificates may pass until something is forbidden or demanded. */
interface Counters {
  anyPolicy: number;
  explicit: number;
  mapping: number;
}

/** The chain begins with the leaf and ends with the root. */
export function policiesAllow(chain: readonly Certificate[]): boolean {
  if (chain.length === 1) return true;
  const last = chain.length - 1;
  const counters: Counters = { anyPolicy: last + 1, explicit: last + 1, mapping: last + 1 };
  let levels: Level[] | null = [new Map([[anyPolicy, newNode(anyPolicy, [])]])];
  for (let at = last - 1; at >= 0; at--) {
    const certificate = chain[at] as Certificate;
    const isSelfSigned = equalBytes(certificate.rawIssuer, certificate.rawSubject);
    if (listOf(certificate, "Policies").length === 0) levels = null;
    if (counters.explicit === 0 && levels === null) return false;
    if (levels !== null) {
      const mayBeAny = counters.anyPolicy > 0 || (at > 0 && isSelfSigned);
      addLevel(levels, certificate, mayBeAny);
      if (at > 0 && !applyMappings(levels, certificate, counters.mapping > 0)) return false;
    }
    if (at > 0) count(counters, certificate, isSelfSigned);
  }
  const leaf = chain[0] as Certificate;
  const isDemanded = counters.explicit <= 1 || leaf.json["RequireExplicitPolicyZero"] === true;
  return !isDemanded || (levels !== null && hasValidPolicy(levels));
}

function listOf(certificate: Certificate, name: string): readonly unknown[] {
  const list = certificate.json[name];
  return Array.isArray(list) ? list : [];
}

function addLevel(levels: Level[], certificate: Certificate, mayBeAny: boolean): void {
  const above = levels.at(-1) as Level;
  const level: Level = new Map();
  const byExpected = new Map<string, Node[]>();
  for (const node of above.values()) {
    for (const policy of node.expected) byExpected.set(policy, [...(byExpected.get(policy) ?? []), node]);
  }
  levels.push(level);
  const policies = listOf(certificate, "Policies") as readonly string[];
  const anyAbove = above.get(anyPolicy);
  for (const policy of policies) {
    if (policy === anyPolicy) continue;
    const parents = byExpected.get(policy) ?? (anyAbove === undefined ? [] : [anyAbove]);
    if (parents.length > 0) level.set(policy, newNode(policy, parents));
  }
  if (policies.includes(anyPolicy) && mayBeAny) {
    const missing = [...byExpected].filter(([policy]) => !level.has(policy));
    for (const [policy, parents] of missing) level.set(policy, newNode(policy, parents));
  }
  prune(levels);
}

/** Cuts what nothing below joins to. */
function prune(levels: readonly Level[]): void {
  for (let at = levels.length - 2; at > 0; at--) {
    const level = levels[at] as Level;
    for (const node of level.values()) {
      if (node.children.size > 0) continue;
      for (const parent of node.parents) parent.children.delete(node);
      level.delete(node.policy);
    }
  }
}

interface Mapping {
  readonly IssuerDomainPolicy: string;
  readonly SubjectDomainPolicy: string;
}

/** False where a mapping is forbidden. */
function applyMappings(levels: readonly Level[], certificate: Certificate, mayMap: boolean): boolean {
  const leaves = levels.at(-1) as Level;
  const mappings = new Map<string, string[]>();
  for (const mapping of listOf(certificate, "PolicyMappings") as readonly Mapping[]) {
    const { IssuerDomainPolicy: issuer, SubjectDomainPolicy: subject } = mapping;
    if (mayMap) {
      if (issuer === anyPolicy || subject === anyPolicy) return false;
      mappings.set(issuer, [...(mappings.get(issuer) ?? []), subject]);
    } else {
      for (const parent of leaves.get(issuer)?.parents ?? []) parent.children.delete(leaves.get(issuer) as Node);
      leaves.delete(issuer);
    }
  }
  prune(levels);
  for (const [issuer, subjects] of mappings) {
    const matching = leaves.get(issuer);
    const any = leaves.get(anyPolicy);
    if (matching !== undefined) matching.expected = subjects;
    else if (any !== undefined) {
      const node = newNode(issuer, [any]);
      node.expected = subjects;
      leaves.set(issuer, node);
    }
  }
  return true;
}

function count(counters: Counters, certificate: Certificate, isSelfSigned: boolean): void {
  if (!isSelfSigned) {
    counters.explicit = Math.max(0, counters.explicit - 1);
    counters.mapping = Math.max(0, counters.mapping - 1);
    counters.anyPolicy = Math.max(0, counters.anyPolicy - 1);
  }
  const limit = (name: string, now: number): number => {
    const value = Number(certificate.json[name] ?? 0);
    const isSet = value > 0 || certificate.json[`${name}Zero`] === true;
    return isSet ? Math.min(now, value) : now;
  };
  counters.explicit = limit("RequireExplicitPolicy", counters.explicit);
  counters.mapping = limit("InhibitPolicyMapping", counters.mapping);
  counters.anyPolicy = limit("InhibitAnyPolicy", counters.anyPolicy);
}

function hasValidPolicy(levels: readonly Level[]): boolean {
  if ((levels.at(-1) as Level).has(anyPolicy)) return true;
  return levels.some((level) =>
    [...level.values()].some(({ policy, parents: [...parents] }) => {
      return policy !== anyPolicy && parents.length === 1 && parents[0]?.policy === anyPolicy;
    }),
  );
}
