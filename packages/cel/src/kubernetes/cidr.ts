// Networks. k8s.io/apiserver: pkg/cel/library/cidr.go.

import { global, method } from "../library/declare.ts";
import type { Library } from "../library.ts";
import { bareMismatch } from "../runtime/dispatch.ts";
import { CelError } from "../runtime/value.ts";
import {
  IpAddress,
  type IpNetwork,
  containsAddress,
  containsNetwork,
  masked,
  netTypeNames,
  networkText,
  readCidr,
  readIp,
} from "./address.ts";

export const cidrLibrary: Library = {
  name: "kubernetes.net.cidr",
  overloads: [
    global("cidr(string) -> net.CIDR", "string_to_cidr", ([text]: [string]) => readCidr(text)),
    global("isCIDR(string) -> bool", "is_cidr", ([text]: [string]) => !(readCidr(text) instanceof CelError)),
    global("string(net.CIDR) -> string", "cidr_to_string", ([network]: [IpNetwork]) => networkText(network)),
    method("net.CIDR.containsIP(string) -> bool", "cidr_contains_ip_string", ([network, text]: [IpNetwork, string]) => {
      const ip = readIp(text);
      // The error of reading the text is lost.
      return ip instanceof CelError ? bareMismatch() : containsAddress(network, ip);
    }),
    method("net.CIDR.containsIP(net.IP) -> bool", "cidr_contains_ip_ip", ([network, ip]: [IpNetwork, IpAddress]) =>
      containsAddress(network, ip),
    ),
    method(
      "net.CIDR.containsCIDR(string) -> bool",
      "cidr_contains_cidr_string",
      ([network, text]: [IpNetwork, string]) => {
        const other = readCidr(text);
        return other instanceof CelError ? other : containsNetwork(network, other);
      },
    ),
    method(
      "net.CIDR.containsCIDR(net.CIDR) -> bool",
      "cidr_contains_cidr",
      ([network, other]: [IpNetwork, IpNetwork]) => containsNetwork(network, other),
    ),
    method("net.CIDR.ip() -> net.IP", "cidr_ip", ([{ address }]: [IpNetwork]) => new IpAddress(address)),
    method("net.CIDR.prefixLength() -> int", "cidr_prefix_length", ([{ prefix }]: [IpNetwork]) => prefix),
    method("net.CIDR.masked() -> net.CIDR", "cidr_masked", ([network]: [IpNetwork]) => masked(network)),
  ],
  typeNames: netTypeNames.cidr,
};
