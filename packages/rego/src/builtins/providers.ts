// Signature version 4 of AWS on a request for http.send. The time comes as an argument, so nothing here reads a clock.
// OPA: v1/topdown/providers.go, internal/providers/aws/signing_v4.go, http.go validateHTTPRequestOperand.

import { integerOf } from "@portcullis/lang";
import { encodeUtf8, formatTime, parseUrl } from "@portcullis/lang/go";
import { compareStrings, sortedEntries } from "../runtime/compare.ts";
import { type Value, isNumber, isObject, newObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError, operandFailure } from "./builtin.ts";
import { type AnyObject, member, namesText, requestProblem } from "./httprequest.ts";
import { objectOf } from "./json.ts";
import { encodeJson } from "./jsontext.ts";

const requiredConfig = ["aws_access_key", "aws_region", "aws_secret_access_key", "aws_service"];

function textMember(object: AnyObject, key: string): string {
  const value = member(object, key);
  return typeof value === "string" ? value : "";
}

/** Null, or the complaint about the configuration. */
function configProblem(config: AnyObject): string | null {
  const missing = requiredConfig.filter((key) => member(config, key) === undefined);
  if (missing.length > 0) return `missing required AWS config parameters(s): ${namesText(missing)}`;
  const invalid = requiredConfig.filter((key) => typeof member(config, key) !== "string");
  return invalid.length > 0 ? `invalid values for required AWS config parameters(s): ${namesText(invalid)}` : null;
}

function signRequest(call: BuiltinCall, request: Value, config: Value, time: Value): Value | undefined {
  if (!isObject(request)) return operandError(call, 1, request, "object");
  if (!isObject(config)) return operandError(call, 1, config, "object");
  const wrongConfig = configProblem(config);
  if (wrongConfig !== null) return operandFailure(call, 2, wrongConfig);
  if (!isNumber(time)) return operandError(call, 1, time, "number");
  // OPA's conversion takes `1` and `1.0` but no exponent.
  const nanos = /[eE]/.test(String(time)) ? null : integerOf(time);
  if (nanos === null || nanos !== BigInt.asIntN(64, nanos)) {
    return operandFailure(call, 3, "could not convert time_ns value into a unix timestamp");
  }
  const wrongRequest = requestProblem(request);
  if (wrongRequest !== null) return operandFailure(call, 1, wrongRequest);
  const headers = member(request, "headers") ?? newObject();
  if (!isObject(headers)) return operandError(call, 0, headers, "object");
  const invalid = ["url", "method"].filter((key) => typeof member(request, key) !== "string");
  if (invalid.length > 0) {
    return operandFailure(call, 1, `invalid values for required request parameters(s): ${namesText(invalid)}`);
  }
  const url = parseUrl(textMember(request, "url"));
  if ("error" in url) return call.fail(url.error);
  const unsigned = member(config, "disable_payload_signing") ?? false;
  if (typeof unsigned !== "boolean") {
    return operandFailure(call, 2, "invalid value for 'disable_payload_signing' in AWS config");
  }
  const seconds = Number((nanos - (((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n);
  const signed = sign(call, { request, config, headers, url, seconds, unsigned });
  const entries = sortedEntries(request).filter(([key]) => key !== "headers");
  return objectOf([...entries, ["headers", signed]]);
}

interface Signing {
  readonly request: AnyObject;
  readonly config: AnyObject;
  readonly headers: AnyObject;
  readonly url: Exclude<ReturnType<typeof parseUrl>, { readonly error: string }>;
  readonly seconds: number;
  readonly unsigned: boolean;
}

/** The request's headers with the signature and what belongs to it. */
function sign(call: BuiltinCall, signing: Signing): Value {
  const { request, config, headers, url, seconds } = signing;
  const hash = (text: string): string => hex(call.world.host.digest("sha256", encodeUtf8(text)));
  const contentHash = signing.unsigned ? "UNSIGNED-PAYLOAD" : hash(bodyOf(call, request));
  const moment = { seconds, nanoseconds: 0, offsetSeconds: 0, abbreviation: "UTC" };
  const [date, dateTime] = [formatTime(moment, "20060102"), formatTime(moment, "20060102T150405Z")];
  const service = textMember(config, "aws_service");
  const added = new Map([
    ["host", hostOf(textMember(request, "url"))],
    ["x-amz-date", dateTime],
  ]);
  if (service === "s3" || service === "glacier") added.set("x-amz-content-sha256", contentHash);
  const session = textMember(config, "aws_session_token");
  if (session !== "") added.set("x-amz-security-token", session);
  const original = sortedEntries(headers).map(([key, value]) => [asText(key), asText(value)] as const);
  const toSign = new Map(added);
  for (const [key, value] of original) if (!ignoredHeaders.has(key.toLowerCase())) toSign.set(key.toLowerCase(), value);
  const names = [...toSign.keys()].toSorted(compareStrings);
  const headerLines = names.map((name) => `${name}:${toSign.get(name) ?? ""}\n`).join("");
  const nameList = names.join(";");
  const canonical = [textMember(request, "method"), url.escapedPath, url.rawQuery, headerLines, nameList, contentHash];
  call.budget.output(canonical.join("\n").length * 2);
  const region = textMember(config, "aws_region");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSignText = `AWS4-HMAC-SHA256\n${dateTime}\n${scope}\n${hash(canonical.join("\n"))}`;
  const mac = (key: Uint8Array, text: string): Uint8Array => call.world.host.hmac("sha256", key, encodeUtf8(text));
  const secret = encodeUtf8(`AWS4${textMember(config, "aws_secret_access_key")}`);
  const signingKey = [date, region, service, "aws4_request"].reduce(mac, secret);
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${textMember(config, "aws_access_key")}/${scope},` +
    `SignedHeaders=${nameList},Signature=${hex(mac(signingKey, toSignText))}`;
  const result = newObject();
  for (const [key, value] of [...original, ["Authorization", authorization] as const, ...added]) result[key] = value;
  return result;
}

/** What proxies may change on the way. */
const ignoredHeaders: ReadonlySet<string> = new Set(["authorization", "user-agent", "x-amzn-trace-id"]);

function asText(value: Value): string {
  return typeof value === "string" ? value : "";
}

function bodyOf(call: BuiltinCall, request: AnyObject): string {
  const raw = member(request, "raw_body");
  if (raw !== undefined) return asText(raw);
  const body = member(request, "body");
  return body === undefined ? "" : encodeJson(body, call.budget);
}

/** Host and port as written, without user information. */
function hostOf(url: string): string {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#]*)/.exec(url)?.[1] ?? "";
  return authority.slice(authority.lastIndexOf("@") + 1);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const options = t.object(t.string, t.any);

export const providerBuiltins: readonly Builtin[] = [
  {
    name: "providers.aws.sign_req",
    type: t.function([options, options, t.number], t.object(t.any, t.any)),
    evaluate: signRequest,
  },
];
