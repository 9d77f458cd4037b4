// IP addresses. k8s.io/apiserver: pkg/cel/library/ip.go.

import { type Address, addressText } from "@portcullis/lang/go";
import { global, method } from "../library/declare.ts";
import type { Library, Overload } from "../library.ts";
import { CelError, type Value } from "../runtime/value.ts";
import { type IpAddress, netTypeNames, readIp } from "./address.ts";

const startsWith = (address: Address, ...bytes: readonly number[]): boolean =>
  bytes.every((byte, at) => address[at] === byte);

const isFour = (address: Address): boolean => address.length === 4;
const isUnspecified = (address: Address): boolean => address.every((byte) => byte === 0);

function isLoopback(address: Address): boolean {
  if (isFour(address)) return address[0] === 127;
  return address.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

function isMulticast(address: Address): boolean {
  const [first = 0] = address;
  return isFour(address) ? first >= 224 && first < 240 : first === 255;
}

function isLinkLocalMulticast(address: Address): boolean {
  if (isFour(address)) return startsWith(address, 224, 0, 0);
  const [first, second = 0] = address;
  return first === 255 && (second & 15) === 2;
}

function isLinkLocalUnicast(address: Address): boolean {
  if (isFour(address)) return startsWith(address, 169, 254);
  const [first, second = 0] = address;
  return first === 254 && (second & 192) === 128;
}

/** Whatever is not special; private addresses count, too. Go: Addr.IsGlobalUnicast. */
function isGlobalUnicast(address: Address): boolean {
  if (isFour(address) && address.every((byte) => byte === 255)) return false;
  return !isUnspecified(address) && !isLoopback(address) && !isMulticast(address) && !isLinkLocalUnicast(address);
}

function isCanonical([text]: [string]): Value | CelError {
  const ip = readIp(text);
  return ip instanceof CelError ? ip : addressText(ip.address) === text;
}

const questions: readonly Overload[] = (
  [
    ["isUnspecified", "ip_is_unspecified", isUnspecified],
    ["isLoopback", "ip_is_loopback", isLoopback],
    ["isLinkLocalMulticast", "ip_is_link_local_multicast", isLinkLocalMulticast],
    ["isLinkLocalUnicast", "ip_is_link_local_unicast", isLinkLocalUnicast],
    ["isGlobalUnicast", "ip_is_global_unicast", isGlobalUnicast],
  ] as const
).map(([name, id, holds]) => method(`net.IP.${name}() -> bool`, id, ([{ address }]: [IpAddress]) => holds(address)));

export const ipLibrary: Library = {
  name: "kubernetes.net.ip",
  overloads: [
    global("ip(string) -> net.IP", "string_to_ip", ([text]: [string]) => readIp(text)),
    global("isIP(string) -> bool", "is_ip", ([text]: [string]) => !(readIp(text) instanceof CelError)),
    global("ip.isCanonical(string) -> bool", "ip_is_canonical", isCanonical),
    global("string(net.IP) -> string", "ip_to_string", ([{ address }]: [IpAddress]) => addressText(address)),
    method("net.IP.family() -> int", "ip_family", ([{ address }]: [IpAddress]) => (isFour(address) ? 4 : 6)),
    ...questions,
  ],
  typeNames: netTypeNames.ip,
};
