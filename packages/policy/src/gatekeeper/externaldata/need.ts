// What a policy asks a provider: some keys, and what for. The driver sends the request, and remembers answers for a while
// where they are for a verdict. A policy knows a provider by its name; where the set has a Provider of that name, its
// address goes with the question, so that whoever sends it need not read policies.

import type { Answer, Need, World } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import type { Provider } from "./provider.ts";

export const externalDataKind = "external_data";

export interface ExternalDataCall {
  readonly provider: string;
  readonly keys: readonly string[];
  /** Answers for a verdict may be some minutes old; those that go into an object may not. */
  readonly purpose: "mutation" | "validation";
  /** Absent: there is no such Provider. */
  readonly spec?: Pick<Provider, "url" | "timeoutSeconds" | "caBundle">;
}

/**
 * What answers a call: the `response` of a `ProviderResponse` and the status it came with, 0 when all of it was remembered;
 * null when there is no such provider. An error is why the request failed.
 */
export interface ExternalData {
  readonly statusCode: number;
  readonly response: Json;
}

export function externalDataNeed(
  provider: string,
  keys: readonly string[],
  purpose: ExternalDataCall["purpose"] = "mutation",
): Need {
  const call: ExternalDataCall = { provider, keys, purpose };
  return { kind: externalDataKind, key: JSON.stringify([provider, ...keys]), call };
}

export type Providers = ReadonlyMap<string, Provider>;

/** The same world; what it is asked about providers says where they are. */
export function withProviders(world: World, providers: Providers): World {
  if (providers.size === 0) return world;
  return { ...world, ask: (needs): readonly Answer[] => world.ask(needs.map((need) => addressed(need, providers))) };
}

function addressed(need: Need, providers: Providers): Need {
  if (need.kind !== externalDataKind) return need;
  const call = need.call as ExternalDataCall;
  const provider = providers.get(call.provider);
  if (provider === undefined) return need;
  const { url, timeoutSeconds, caBundle, digest } = provider;
  // Another address, or another purpose, is another need.
  const key = `${need.key} ${call.purpose} ${digest}`;
  return { kind: need.kind, key, call: { ...call, spec: { url, timeoutSeconds, caBundle } } };
}
