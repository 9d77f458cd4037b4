// What a request for http.send may and must have; AWS signs the same requests. OPA: v1/topdown/http.go.

import { sortedEntries } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import { type PlainObject, RegoObject, RegoSet, type Value } from "../runtime/value.ts";

export type AnyObject = PlainObject | RegoObject;

const parameters: ReadonlySet<string> = new Set(
  [
    "method url body enable_redirect force_json_decode force_yaml_decode headers raw_body tls_use_system_certs",
    "tls_ca_cert tls_ca_cert_file tls_ca_cert_env_variable tls_client_cert tls_client_cert_file",
    "tls_client_cert_env_variable tls_client_key tls_client_key_file tls_client_key_env_variable",
    "tls_insecure_skip_verify tls_server_name timeout cache force_cache force_cache_duration_seconds raise_error",
    "caching_mode max_retry_attempts cache_ignored_headers",
  ].flatMap((line) => line.split(" ")),
);

export function member(object: AnyObject, key: string): Value | undefined {
  if (object instanceof RegoObject) return object.get(key);
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Names as OPA lists them in a complaint: `{"method", "url"}`. */
export function namesText(names: readonly Value[]): string {
  return format(RegoSet.of(names));
}

/** Null, or the complaint about the request. OPA: validateHTTPRequestOperand. */
export function requestProblem(request: AnyObject): string | null {
  const keys = sortedEntries(request).map(([key]) => key);
  const invalid = keys.filter((key) => typeof key !== "string" || !parameters.has(key));
  if (invalid.length > 0) return `invalid request parameters(s): ${namesText(invalid)}`;
  const missing = ["method", "url"].filter((key) => member(request, key) === undefined);
  return missing.length > 0 ? `missing required request parameters(s): ${namesText(missing)}` : null;
}
