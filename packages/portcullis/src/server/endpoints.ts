// The paths on which admission requests are answered. `/v1/admit` and `/v1/mutate` answer for all dialects in one, or, with
// `?dialect=` or `/gatekeeper`, for one of them; Kyverno's own paths answer for Kyverno alone, so that its webhook
// configurations can stay as they are: there is one path for the policies of each failure policy, and one for each policy
// with a webhook of its own.
// Kyverno: pkg/webhooks/server.go, pkg/config/config.go.

type Dialect = "gatekeeper" | "kyverno";

export interface Endpoint {
  /**
   * What policies say, what they change, what is said of a policy itself, whether a Namespace may have Gatekeeper's label,
   * and what Kyverno's webhooks are asked beside policies.
   */
  readonly what: "validate" | "mutate" | "policy" | "label" | "heartbeat" | "time-to-live" | "policy-defaults";
  /** Whose answer is asked for; null: the joined one. */
  readonly dialect: Dialect | null;
  /** Of the policies that are asked; null: any. */
  readonly failurePolicy: "Fail" | "Ignore" | null;
  /** `name` or `namespace/name` of the one policy that is asked; null: all. */
  readonly policy: string | null;
  /** Decided as always, and allowed whatever was decided. */
  readonly isShadow?: true;
}

const joined = { dialect: null, failurePolicy: null, policy: null } as const;

export const admitEndpoint: Endpoint = { what: "validate", ...joined };
/** @internal tests ask it without a URL */
export const mutateEndpoint: Endpoint = { what: "mutate", ...joined };
/** @internal tests ask it without a URL */
export const labelEndpoint: Endpoint = { what: "label", ...joined, dialect: "gatekeeper" };

/** For people who ask for another path. */
export const knownPaths =
  "POST /v1/admit, /v1/mutate and /v1/admitlabel, POST /validate[/fail|/ignore], /mutate[/fail|/ignore] and /policyvalidate";

/** What a URL asks for; null when it is no path of admission. */
export function endpointAt(url: string): Endpoint | null {
  const known = recent.get(url);
  if (known !== undefined) return known;
  const endpoint = readEndpoint(url);
  if (endpoint === null) return null;
  // API servers write a handful of URLs again and again; anybody else may write what they like.
  if (recent.size >= 64) recent.clear();
  recent.set(url, endpoint);
  return endpoint;
}

const recent = new Map<string, Endpoint>();

const shadowPrefix = "/shadow";

function readEndpoint(url: string): Endpoint | null {
  if (url.startsWith(`${shadowPrefix}/`)) {
    const endpoint = readEndpoint(url.slice(shadowPrefix.length));
    return endpoint === null ? null : { ...endpoint, isShadow: true };
  }
  const at = url.indexOf("?");
  const path = at === -1 ? url : url.slice(0, at);
  const asked = at === -1 ? null : new URLSearchParams(url.slice(at + 1)).get("dialect");
  const dialect = asked === "gatekeeper" || asked === "kyverno" ? asked : null;
  switch (path) {
    case "/v1/admit":
      return { ...admitEndpoint, dialect };
    case "/v1/mutate":
      return { ...mutateEndpoint, dialect };
    // A path in a webhook configuration has no query.
    case "/v1/admit/gatekeeper":
      return { ...admitEndpoint, dialect: "gatekeeper" };
    case "/v1/mutate/gatekeeper":
      return { ...mutateEndpoint, dialect: "gatekeeper" };
    case "/v1/admitlabel":
      return labelEndpoint;
    case "/policyvalidate":
    case "/exceptionvalidate":
    case "/celexception/validate":
    case "/globalcontextvalidate":
      return { what: "policy", ...joined, dialect: "kyverno" };
    case "/policymutate":
      return { what: "policy-defaults", ...joined, dialect: "kyverno" };
    case "/verifymutate":
      return { what: "heartbeat", ...joined, dialect: "kyverno" };
    case "/verifyttl":
      return { what: "time-to-live", ...joined, dialect: "kyverno" };
    default:
      return kyvernosPath(path);
  }
}

const pattern = /^\/(validate|mutate)(?:\/(fail|ignore))?(?:\/finegrained\/([^/]+(?:\/[^/]+)?))?$/;

function kyvernosPath(path: string): Endpoint | null {
  const match = pattern.exec(path);
  if (match === null) return null;
  const [, what, failurePolicy, policy] = match;
  return {
    what: what === "mutate" ? "mutate" : "validate",
    dialect: "kyverno",
    failurePolicy: failurePolicy === undefined ? null : failurePolicy === "fail" ? "Fail" : "Ignore",
    policy: policy ?? null,
  };
}
