// A Provider: where external data come from. Gatekeeper takes one into its cache, or refuses it, with one check after the
// other, and says the first that fails. Frameworks: pkg/externaldata/cache.go Upsert.

import { nameOf, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, errorAt, hasError, numberText } from "@portcullis/lang";
import {
  MalformedX509,
  decodeBase64,
  decodePem,
  decodeUtf8,
  parseUrl,
  readCertificate,
  standardBase64,
} from "@portcullis/lang/go";
import { digestOf } from "../../engine/digest.ts";
import type { Locate, ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import { servedKind, strictProblems, unservedKind } from "../strict.ts";

export const externalDataGroup = "externaldata.gatekeeper.sh";

export interface Provider {
  readonly name: string;
  readonly url: string;
  /** 0: not said. */
  readonly timeoutSeconds: number;
  /** PEM in Base64. */
  readonly caBundle: string;
  /** Of its spec. */
  readonly digest: string;
}

export interface ProviderUnit {
  readonly unit: "provider";
  readonly name: string;
  readonly locate: Locate | null;
  /** Null when there is a problem. */
  readonly provider: Provider | null;
  /** What is against strict reading only. */
  readonly strict: readonly Diagnostic[];
}

const kind = servedKind(
  { kind: "Provider", versions: ["v1beta1", "v1alpha1"], code: "provider" },
  {
    type: "object",
    properties: { url: { type: "string" }, timeout: { type: "integer" }, caBundle: { type: "string" } },
  },
);

/** `externalData` false: providers are switched off, and so refused. */
export function readProvider(
  object: Json,
  from: ReadFrom,
  { externalData }: { readonly externalData: boolean },
): { readonly unit: ProviderUnit | null; readonly diagnostics: readonly Diagnostic[] } {
  const other = unservedKind(object, from, kind);
  if (other !== null) return { unit: null, diagnostics: [other] };
  const strict = strictProblems(object, from, kind);
  const name = nameOf(object);
  const found = externalData
    ? problemOf(object)
    : { text: "external data feature flag is not enabled", path: ["kind"] };
  const diagnostics = found === null ? [] : [errorAt("provider", from.locate?.(found.path) ?? null, found.text)];
  const isUsable = found === null && !hasError(strict);
  const unit: ProviderUnit = {
    unit: "provider",
    name,
    locate: from.locate ?? null,
    provider: isUsable ? providerOf(object) : null,
    strict,
  };
  return { unit, diagnostics };
}

function providerOf(object: Json): Provider {
  return {
    name: nameOf(object),
    url: stringAt(object, "spec", "url"),
    timeoutSeconds: timeoutOf(object),
    caBundle: stringAt(object, "spec", "caBundle"),
    digest: digestOf(valueAt(object, "spec")),
  };
}

function timeoutOf(object: Json): number {
  const timeout = valueAt(object, "spec", "timeout");
  return typeof timeout === "number" ? timeout : 0;
}

interface Problem {
  readonly text: string;
  readonly path: readonly string[];
}

function problemOf(object: Json): Problem | null {
  const problem = (text: string, ...path: readonly string[]): Problem => ({ text, path });
  if (nameOf(object) === "") return problem("provider name can not be empty. value ", "metadata");
  const url = stringAt(object, "spec", "url");
  if (url === "") return problem("invalid provider url. value: ", "spec");
  const timeout = timeoutOf(object);
  if (timeout < 0) {
    const shown = numberText(timeout);
    return problem(`provider timeout should be a positive integer. value: ${shown}`, "spec", "timeout");
  }
  const parsed = parseUrl(url);
  if ("error" in parsed) return problem(parsed.error, "spec", "url");
  if (parsed.scheme !== "https") return problem("only HTTPS scheme is supported for Providers", "spec", "url");
  const caBundle = stringAt(object, "spec", "caBundle");
  if (caBundle === "") return problem("caBundle should be set for HTTPS scheme", "spec");
  const wrong = bundleProblem(caBundle);
  return wrong === null ? null : problem(wrong, "spec", "caBundle");
}

/** Only the first block of the bundle is looked at. */
function bundleProblem(caBundle: string): string | null {
  const bytes = decodeBase64(caBundle, standardBase64);
  if ("error" in bytes) return `failed to base64 decode caBundle: ${bytes.error}`;
  const block = decodePem(decodeUtf8(bytes));
  if (block === null) return "bad caBundle";
  try {
    readCertificate(block.bytes);
    return null;
  } catch (error) {
    if (error instanceof MalformedX509) return `failed to parse caBundle: ${error.message}`;
    throw error;
  }
}
