// IP addresses and networks as Go's netip reads them: stricter than net.IP (no leading zeros, no zones here, no IPv4 in
// IPv6), with messages that say where reading stopped. Go: net/netip/netip.go.

import {
  type Address,
  type Network,
  addressText,
  maskAddress,
  networkContains,
  parseAddress,
  quote,
} from "@portcullis/lang/go";
import { readType } from "../library/declare.ts";
import { CelError, Opaque } from "../runtime/value.ts";
import { addressError } from "./addresserror.ts";

const ipType = readType("net.IP");
const cidrType = readType("net.CIDR");

export const netTypeNames = { ip: { "net.IP": ipType }, cidr: { "net.CIDR": cidrType } } as const;

export class IpAddress extends Opaque {
  readonly type = ipType;
  readonly address: Address;

  constructor(address: Address) {
    super();
    this.address = address;
  }

  equals(other: Opaque): boolean {
    return other instanceof IpAddress && addressText(other.address) === addressText(this.address);
  }

  /** Bytes. */
  override size(): number {
    return this.address.length;
  }
}

/** An address with the length of a prefix; bits behind the prefix are kept. */
export class IpNetwork extends Opaque {
  readonly type = cidrType;
  readonly address: Address;
  readonly prefix: number;

  constructor(address: Address, prefix: number) {
    super();
    this.address = address;
    this.prefix = prefix;
  }

  equals(other: Opaque): boolean {
    return other instanceof IpNetwork && networkText(other) === networkText(this);
  }

  /** Bytes of the prefix. */
  override size(): number {
    return Math.ceil(this.prefix / 8);
  }
}

export function networkText({ address, prefix }: IpNetwork): string {
  return `${addressText(address)}/${prefix}`;
}

const isMapped = (text: string, address: Address): boolean =>
  address.length === 16 && !addressText(address).includes(":") && text.includes(":");

/** Longer texts are no addresses, whatever is in them. Zones could be, but are not allowed. */
const lengthMax = 10_000;

/** `ip(text)`. k8s.io/apiserver: pkg/cel/library/ip.go parseIPAddr. */
export function readIp(text: string): IpAddress | CelError {
  const [bare = "", ...zone] = text.slice(0, lengthMax).split("%");
  const error = addressError(text);
  if (error !== null)
    return new CelError(`IP Address ${quote(text)} parse error during conversion from string: ${error}`);
  if (zone.length > 0) return new CelError(`IP address ${quote(text)} with zone value is not allowed`);
  const address = parseAddress(bare) as Address;
  if (isMapped(text, address)) return new CelError(`IPv4-mapped IPv6 address ${quote(text)} is not allowed`);
  return new IpAddress(address);
}

/** `cidr(text)`. k8s.io/apiserver: pkg/cel/library/cidr.go parseCIDR. */
export function readCidr(text: string): IpNetwork | CelError {
  const failed = (why: string): CelError => {
    const twice = "network address parse error during conversion from string: ".repeat(2);
    return new CelError(`${twice}netip.ParsePrefix(${quote(text)}): ${why}`);
  };
  const slash = text.lastIndexOf("/");
  if (slash === -1) return failed("no '/'");
  const error = addressError(text.slice(0, slash));
  if (error !== null) return failed(error);
  if (text.includes("%")) return failed("IPv6 zones cannot be present in a prefix");
  const address = parseAddress(text.slice(0, slash)) as Address;
  const bits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) return failed(`bad bits after slash: ${quote(bits)}`);
  if (!Number.isSafeInteger(Number(bits))) return failed(`bad bits after slash: ${quote(bits)}`);
  if (Number(bits) > address.length * 8) return failed("prefix length out of range");
  if (isMapped(text, address)) {
    return new CelError(
      `network address parse error during conversion from string: IPv4-mapped IPv6 address ${quote(text)} is not allowed`,
    );
  }
  return new IpNetwork(address, Number(bits));
}

function networkOf({ address, prefix }: IpNetwork): Network {
  return { address: maskAddress(address, prefix), prefix, bits: address.length === 4 ? 32 : 128 };
}

export function masked(network: IpNetwork): IpNetwork {
  return new IpNetwork(maskAddress(network.address, network.prefix), network.prefix);
}

export function containsAddress(network: IpNetwork, { address }: IpAddress): boolean {
  return network.address.length === address.length && networkContains(networkOf(network), address);
}

export function containsNetwork(network: IpNetwork, other: IpNetwork): boolean {
  return network.prefix <= other.prefix && containsAddress(network, new IpAddress(other.address));
}
