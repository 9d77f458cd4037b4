// Warnings beside what is said of a policy that is about to be stored: that it looks at a kind which we may not list, so that no audit
// would find what it forbids. The API server is asked for each kind, once in a while; a request waits a moment for that, and
// no longer: what is not known in time is told by `portcullis install` and in the log.

import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import { isObject } from "@portcullis/kube";
import type { ApiResource, ClusterClient } from "../cluster/api.ts";
import { missingRights } from "../controllers/install/missing.ts";
import { namedKindsOf, namingGroups } from "../controllers/install/named.ts";
import type { Reply } from "../server/routes.ts";

/** The warnings about a body that is an AdmissionReview; none where it is about no policy. */
export type PolicyWarnings = (body: string) => Promise<readonly string[]>;

const waitMs = 800;
/** How long an answer about a policy's kinds is remembered. */
const rememberedMs = 15_000;

export function createPolicyWarnings(client: ClusterClient): PolicyWarnings {
  const known = new Map<string, Known>();
  const about = async (policy: unknown): Promise<readonly string[]> => {
    try {
      const { resources } = await client.discover();
      const kinds = namedKindsOf(policy, resources);
      if (kinds.length === 0) return [];
      const key = kinds.join(" ");
      const nowMs = performance.now();
      const remembered = known.get(key);
      if (remembered?.resources === resources && remembered.untilMs > nowMs) return await remembered.warnings;
      if (known.size > 100) known.clear();
      const warnings = missingRights({ client, policies: [{ scope: { kinds }, reads: [] }], resources });
      known.set(key, { untilMs: nowMs + rememberedMs, resources, warnings });
      return await warnings;
    } catch {
      // Who may not ask, or cannot, says nothing.
      return [];
    }
  };
  return async (body) => {
    const policy = isAboutPolicy(body) ? objectIn(body) : null;
    return policy === null ? [] : Promise.race([about(policy), setTimeoutAsync(waitMs, [], { ref: false })]);
  };
}

/** Of what the API server served then: a kind that has come since may not be listed. */
interface Known {
  readonly untilMs: number;
  readonly resources: readonly ApiResource[];
  readonly warnings: Promise<readonly string[]>;
}

const groups = new RegExp(`"group":"(?:${namingGroups.map((group) => group.replaceAll(".", "\\.")).join("|")})"`);

/** Longer ones, in characters, take this thread too long to read. */
const bodyMax = 300_000;

/** kube-apiserver writes the kind first. */
function isAboutPolicy(body: string): boolean {
  return body.length <= bodyMax && groups.test(body.slice(0, 1000));
}

function objectIn(body: string): unknown {
  try {
    const tree: unknown = JSON.parse(body);
    const request = isObject(tree) ? tree["request"] : null;
    if (!isObject(request) || (request["operation"] !== "CREATE" && request["operation"] !== "UPDATE")) return null;
    return request["subResource"] === undefined || request["subResource"] === "" ? request["object"] : null;
  } catch {
    return null;
  }
}

/** The reply with these warnings behind its own, where it lets the policy in. */
export function withWarnings(reply: Reply, warnings: readonly string[]): Reply {
  if (warnings.length === 0 || reply.status !== 200) return reply;
  const review = JSON.parse(reply.body) as {
    readonly response: { readonly allowed: boolean; readonly warnings?: readonly string[] };
  };
  const { response } = review;
  if (!response.allowed) return reply;
  const all = [...(response.warnings ?? []), ...warnings];
  return { ...reply, body: `${JSON.stringify({ ...review, response: { ...response, warnings: all } })}\n` };
}
