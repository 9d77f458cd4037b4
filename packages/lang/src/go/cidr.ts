// IP addresses and networks as Go's net package reads and prints them. An address is 4 or 16 bytes; the same IPv4 address
// written as `::ffff:1.2.3.4` is 16 bytes until `fourBytes` looks at it, which is where Go's rules get their surprises:
// a mapped network contains IPv4 addresses, and `::/0` contains none. Go: net/ip.go, net/netip/netip.go.

export type Address = readonly number[];

export interface Network {
  /** The masked address: 4 bytes for IPv4, 16 for IPv6 (IPv4-mapped included). */
  readonly address: Address;
  /** Leading one bits of the mask. */
  readonly prefix: number;
  /** Bits of the mask, 32 or 128. Go's bare IPv4 networks have a 16-byte address and a 32-bit mask; here both are 32. */
  readonly bits: 32 | 128;
}

/** An address without a zone; null when it is not one. Go: net.ParseIP. */
export function parseAddress(text: string): Address | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Address and network of `10.1.2.3/8`; null when it is not one. Go: net.ParseCIDR. */
export function parseCidr(text: string): { readonly address: Address; readonly network: Network } | null {
  const slash = text.indexOf("/");
  if (slash === -1) return null;
  const address = parseAddress(text.slice(0, slash));
  const prefixText = text.slice(slash + 1);
  if (address === null || !/^\d{1,20}$/.test(prefixText)) return null;
  const bits = address.length === 4 ? 32 : 128;
  const prefix = Number(prefixText);
  if (prefix > bits) return null;
  return { address, network: { address: maskAddress(address, prefix), prefix, bits } };
}

/** Sets all bits after the prefix to zero. */
export function maskAddress(address: Address, prefix: number): Address {
  return address.map((byte, at) => byte & byteOfMask(prefix, at));
}

/** The last address of a network. */
export function lastAddress(network: Network): Address {
  return network.address.map((byte, at) => byte | (0xff & ~byteOfMask(network.prefix, at)));
}

function byteOfMask(prefix: number, at: number): number {
  const ones = Math.min(8, Math.max(0, prefix - at * 8));
  return 0xff & (0xff << (8 - ones));
}

/** The 4 bytes of an IPv4 address in either form, else null. Go: IP.To4. */
export function fourBytes(address: Address): Address | null {
  if (address.length === 4) return address;
  return mappedPrefix.every((byte, at) => address[at] === byte) ? address.slice(12) : null;
}

const mappedPrefix: Address = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The 16-byte form. */
export function sixteenBytes(address: Address): Address {
  return address.length === 4 ? [...mappedPrefix, ...address] : address;
}

/** Go: IPNet.Contains, with its rule that a mapped network is an IPv4 network and others hold no IPv4 address. */
export function networkContains(network: Network, address: Address): boolean {
  const { bytes, prefix } = networkNumber(network);
  const candidate = fourBytes(address) ?? address;
  if (candidate.length !== bytes.length) return false;
  return bytes.every((byte, at) => {
    const mask = byteOfMask(prefix, at);
    return (byte & mask) === ((candidate[at] as number) & mask);
  });
}

function networkNumber(network: Network): { readonly bytes: Address; readonly prefix: number } {
  const four = fourBytes(network.address);
  if (four === null) return { bytes: network.address, prefix: network.prefix };
  return { bytes: four, prefix: network.bits === 128 ? Math.max(0, network.prefix - 96) : network.prefix };
}

/** `10.0.0.0/8`. Go: IPNet.String. */
export function networkText(network: Network): string {
  const { bytes, prefix } = networkNumber(network);
  return `${addressText(bytes)}/${prefix}`;
}

/** Dotted for IPv4 (also when mapped), else lower-case groups with the longest run of zeros shortened. Go: IP.String. */
export function addressText(address: Address): string {
  const four = fourBytes(address);
  if (four !== null) return four.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((address[at * 2] ?? 0) << 8) | (address[at * 2 + 1] ?? 0));
  const run = longestZeroRun(groups);
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

export function addressToBigInt(address: Address): bigint {
  return address.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The address of a number, `length` bytes long. */
export function addressOfBigInt(value: bigint, length: 4 | 16): Address {
  return Array.from({ length }, (_, at) => Number((value >> BigInt(8 * (length - 1 - at))) & 0xffn));
}

function parseIpv4(text: string): Address | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  const bytes: number[] = [];
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bytes.push(Number(part));
  }
  return bytes;
}

/** Groups of one to four hexadecimal digits, at most one `::` (for at least one group), an IPv4 tail. */
function parseIpv6(text: string): Address | null {
  const gap = text.indexOf("::");
  if (gap !== -1 && text.includes("::", gap + 1)) return null;
  if (gap === -1) {
    const all = parseGroups(text, true);
    return all?.length === 16 ? all : null;
  }
  const head = parseGroups(text.slice(0, gap), false);
  const tail = parseGroups(text.slice(gap + 2), true);
  if (head === null || tail === null || head.length + tail.length > 14) return null;
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail];
}

function parseGroups(text: string, ipv4Tail: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    if (ipv4Tail && at === parts.length - 1 && part.includes(".")) {
      const four = parseIpv4(part);
      if (four === null) return null;
      bytes.push(...four);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null;
      const group = Number.parseInt(part, 16);
      bytes.push(group >> 8, group & 0xff);
    }
  }
  return bytes;
}
