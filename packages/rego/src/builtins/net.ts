// Networks in CIDR notation, with Go's reading of addresses. OPA: v1/topdown/cidr.go, internal/cidr/merge.
// Expansion is charged by the number of addresses before the first one is made.

import {
  type Address,
  type Network,
  addressOfBigInt,
  addressText,
  addressToBigInt,
  fourBytes,
  lastAddress,
  maskAddress,
  networkContains,
  networkText,
  parseAddress,
  parseCidr,
  sixteenBytes,
} from "@portcullis/lang/go";
import { compare, sortedEntries } from "../runtime/compare.ts";
import { RegoSet, type Value, isArray, isObject } from "../runtime/value.ts";
import { type Type, t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { membersOf, onString } from "./operand.ts";

/** The network of a text. Undefined after reporting; every operand is called the first, as in OPA. */
function networkOperand(call: BuiltinCall, value: Value): Network | undefined {
  if (typeof value !== "string") return operandError(call, 1, value, "string");
  const parsed = parseCidr(value);
  return parsed === null ? call.fail(invalidCidr(value)) : parsed.network;
}

function invalidCidr(text: string): string {
  return `invalid CIDR address: ${text}`;
}

function intersects(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  const first = networkOperand(call, a);
  if (first === undefined) return undefined;
  const second = networkOperand(call, b);
  if (second === undefined) return undefined;
  return networkContains(first, second.address) || networkContains(second, first.address);
}

function contains(call: BuiltinCall, a: Value, b: Value): boolean | undefined {
  const network = networkOperand(call, a);
  if (network === undefined) return undefined;
  if (typeof b !== "string") return operandError(call, 1, b, "string");
  const address = parseAddress(b);
  if (address !== null) return networkContains(network, address);
  const inner = parseCidr(b)?.network;
  if (inner === undefined) return call.fail(`not a valid textual representation of an IP address or CIDR: ${b}`);
  return containsNetwork(network, inner);
}

function containsNetwork(network: Network, inner: Network): boolean {
  if (isPlainIpv6(network) && isPlainIpv6(inner)) {
    // By prefix: the last address of `::/80` is an IPv4-mapped one, which no IPv6 network contains.
    return network.prefix <= inner.prefix && compare(network.address, maskAddress(inner.address, network.prefix)) === 0;
  }
  return networkContains(network, inner.address) && networkContains(network, lastAddress(inner));
}

function isPlainIpv6(network: Network): boolean {
  return network.bits === 128 && fourBytes(network.address) === null;
}

/** Texts to compare with the index that stands for each in the result: position, key, or the element itself. */
type Indexed = readonly (readonly [Value, Value])[];

/** Null after reporting an element that is no text. OPA: evalNetCIDRContainsMatchesOperand. */
function indexed(call: BuiltinCall, position: number, value: Value): Indexed | null {
  if (typeof value === "string") return [[value, value]];
  const pairs: [Value, Value][] = [];
  for (const [element, index] of elementsOf(value)) {
    const text = typeof element === "string" ? element : isArray(element) ? element[0] : undefined;
    if (text === undefined) {
      call.fail(`operand ${position}: element must be string or non-empty array`);
      return null;
    }
    pairs.push([text, index]);
  }
  return pairs;
}

function elementsOf(value: Value): Indexed {
  if (isArray(value)) return value.map((item, at) => [item, at] as const);
  if (value instanceof RegoSet) return value.sorted(compare).map((item) => [item, item] as const);
  return isObject(value) ? sortedEntries(value).map(([key, item]) => [item, key] as const) : [];
}

function containsMatches(call: BuiltinCall, networks: Value, candidates: Value): Value | undefined {
  const outer = indexed(call, 1, networks);
  if (outer === null) return undefined;
  const result = new RegoSet();
  if (outer.length === 0) return result;
  const inner = indexed(call, 2, candidates);
  if (inner === null) return undefined;
  for (const [network, outerIndex] of outer) {
    call.budget.step(inner.length * 10);
    for (const [candidate, innerIndex] of inner) {
      const found = contains(call, network, candidate);
      if (found === undefined) return undefined;
      if (found) result.add([outerIndex, innerIndex]);
    }
  }
  return result;
}

function expand(call: BuiltinCall, text: string): Value | undefined {
  const parsed = parseCidr(text);
  if (parsed === null) return call.fail(invalidCidr(text));
  const { network } = parsed;
  const count = 2 ** (network.bits - network.prefix);
  call.budget.output(count * 32);
  const result = new RegoSet();
  const address = [...network.address];
  for (let left = count; left > 0; left--) {
    // In the loop, so that the clock is looked at while the set grows.
    call.budget.step(40);
    result.add(addressText(address));
    increment(address);
  }
  return result;
}

/** The next address, in place. */
function increment(address: number[]): void {
  for (let at = address.length - 1; at >= 0; at--) {
    address[at] = ((address[at] as number) + 1) & 0xff;
    if (address[at] !== 0) return;
  }
}

/** Addresses from first to last, both included, in one space where IPv4 lies in its mapped place. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
  /** The network as it prints; null for a range that was merged from several. */
  readonly text: string | null;
}

function merge(call: BuiltinCall, value: Value): Value | undefined {
  const members = membersOf(value);
  if (members === null) return call.fail("operand must be an array");
  call.budget.step(members.length * 20);
  const ranges: Range[] = [];
  for (const member of members) {
    const range = rangeOf(call, member);
    if (range === undefined) return undefined;
    ranges.push(range);
  }
  const result = new RegoSet();
  for (const range of mergeRanges(ranges)) {
    if (range.text === null) for (const text of networksOf(range)) result.add(text);
    else result.add(range.text);
  }
  return result;
}

/** A bare IPv4 address stands for the network of its class, and prints with its own bits. Undefined after reporting. */
function rangeOf(call: BuiltinCall, member: Value): Range | undefined {
  if (typeof member !== "string") return call.fail("element must be string");
  const address = parseAddress(member);
  if (address === null) {
    const parsed = parseCidr(member);
    return parsed === null ? call.fail(invalidCidr(member)) : toRange(parsed.network, networkText(parsed.network));
  }
  const four = fourBytes(address);
  if (four === null) return call.fail("IPv6 invalid: needs prefix length");
  const prefix = classPrefix(four);
  return toRange({ address: maskAddress(four, prefix), prefix, bits: 32 }, `${addressText(four)}/${prefix}`);
}

/** Go: IP.DefaultMask. */
function classPrefix(address: Address): number {
  const first = address[0] as number;
  return first < 0x80 ? 8 : first < 0xc0 ? 16 : 24;
}

function toRange(network: Network, text: string): Range {
  const first = addressToBigInt(sixteenBytes(network.address));
  return { first, last: addressToBigInt(sixteenBytes(lastAddress(network))), text };
}

const firstIpv4 = 0xffff_0000_0000n;
const lastIpv4 = 0xffff_ffff_ffffn;

/** Joins ranges that touch or overlap, from the last to the first. */
function mergeRanges(ranges: readonly Range[]): readonly Range[] {
  const sorted = ranges.toSorted((a, b) => order(a.last, b.last) || order(a.first, b.first));
  const merged: Range[] = [];
  let current = sorted.pop();
  for (let previous = sorted.pop(); current !== undefined && previous !== undefined; previous = sorted.pop()) {
    // Nothing lies before the first address of a family.
    const before: bigint = current.first === firstIpv4 || current.first === 0n ? current.first : current.first - 1n;
    if (before <= previous.last) {
      const first: bigint = previous.first < current.first ? previous.first : current.first;
      current = { first, last: current.last, text: null };
    } else {
      merged.push(current);
      current = previous;
    }
  }
  return current === undefined ? merged : [...merged, current];
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The fewest networks that make up a range. */
function networksOf(range: Range): readonly string[] {
  const isIpv4 = range.first >= firstIpv4 && range.last <= lastIpv4;
  const bits = isIpv4 ? 32 : 128;
  const texts: string[] = [];
  for (let first = range.first; first <= range.last;) {
    let size = 1n;
    let prefix = bits;
    while (prefix > 0 && (first & (size * 2n - 1n)) === 0n && first + size * 2n - 1n <= range.last) {
      size *= 2n;
      prefix--;
    }
    texts.push(`${addressText(addressOfBigInt(first, 16))}/${prefix}`);
    first += size;
  }
  return texts;
}

/**
 * The addresses of a name. An address is its own, and this machine's name is known; every other name is a need of the world,
 * answered with a list of texts. OPA: v1/topdown/net.go.
 */
function lookupAddresses(call: BuiltinCall, name: string): Value | undefined {
  const address = parseAddress(name.split("%", 1)[0] ?? "");
  if (address !== null) return RegoSet.of([addressText(address)]);
  if (name === "localhost") return RegoSet.of(["127.0.0.1"]);
  const [answer] = call.world.ask([{ kind: "net.lookup_ip_addr", key: name, call: { name } }]);
  if (answer === undefined || "error" in answer) {
    return call.fail(`lookup ${name}: ${answer?.error ?? "no answer"}`);
  }
  const texts = Array.isArray(answer.value) ? (answer.value as readonly unknown[]) : [];
  return RegoSet.of(texts.filter((text) => typeof text === "string"));
}

const twoTexts = t.function([t.string, t.string], t.boolean);
const textOrTuple: Type = t.union(t.string, t.array(t.any));
const matchOperand: Type = t.union(t.string, t.array(textOrTuple), t.object(t.string, textOrTuple), t.set(textOrTuple));

export const netBuiltins: readonly Builtin[] = [
  { name: "net.cidr_intersects", type: twoTexts, evaluate: intersects },
  { name: "net.cidr_contains", type: twoTexts, evaluate: contains },
  { name: "net.cidr_overlap", type: twoTexts, deprecated: true, evaluate: contains },
  {
    name: "net.cidr_contains_matches",
    type: t.function([matchOperand, matchOperand], t.set(t.tuple(t.any, t.any))),
    evaluate: containsMatches,
  },
  { name: "net.cidr_expand", type: t.function([t.string], t.set(t.string)), evaluate: onString(expand) },
  {
    name: "net.cidr_is_valid",
    type: t.function([t.string], t.boolean),
    evaluate: (_call, text) => typeof text === "string" && parseCidr(text) !== null,
  },
  {
    name: "net.lookup_ip_addr",
    type: t.function([t.string], t.set(t.string)),
    nondeterministic: true,
    evaluate: onString(lookupAddresses),
  },
  {
    name: "net.cidr_merge",
    type: t.function([t.union(t.array(t.union(t.string)), t.set(t.string))], t.set(t.string)),
    evaluate: merge,
  },
];
