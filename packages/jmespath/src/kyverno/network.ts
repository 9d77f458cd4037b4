// Whether a URL leads out of the private networks. A name has to be looked up: that is a need of the world, of the same kind
// as Rego's `net.lookup_ip_addr`, answered with a list of texts. Kyverno: pkg/engine/jmespath/functions.go jpIsExternalURL.

import { type Address, addressToBigInt, fourBytes, parseAddress, parseUrl } from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { libraryError } from "./failure.ts";
import { text } from "./signature.ts";

const isExternalUrl: JmesFunction["evaluate"] = ({ budget, world }, source) => {
  budget.step((source as string).length);
  const url = parseUrl(source as string);
  if ("error" in url) return libraryError(url.error);
  const name = url.hostname;
  const literal = parseAddress(name);
  if (literal !== null) return !isInternal(literal);
  if (name === "localhost") return false;
  if (name === "") return libraryError("lookup : no such host");
  const [answer] = world.ask([{ kind: "net.lookup_ip_addr", key: name, call: { name } }]);
  if (answer === undefined || "error" in answer) {
    return libraryError(`lookup ${name}: ${answer?.error ?? "no answer"}`);
  }
  const texts = Array.isArray(answer.value) ? (answer.value as readonly unknown[]) : [];
  const addresses = texts.map((one) => (typeof one === "string" ? parseAddress(one.split("%", 1)[0] ?? "") : null));
  return !addresses.some((address) => address === null || isInternal(address));
};

/** Loopback and private networks. Go: net.IP IsLoopback, IsPrivate. */
function isInternal(address: Address): boolean {
  const four = fourBytes(address);
  if (four === null) return addressToBigInt(address) === 1n || ((address[0] ?? 0) & 0xfe) === 0xfc;
  const [first = 0, second = 0] = four;
  if (first === 127 || first === 10) return true;
  return (first === 172 && (second & 0xf0) === 16) || (first === 192 && second === 168);
}

export const networkFunctions: readonly JmesFunction[] = [
  { name: "is_external_url", parameters: [text], evaluate: isExternalUrl },
];
