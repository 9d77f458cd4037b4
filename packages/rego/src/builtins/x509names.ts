// Names in certificates: whether one stands for a host, and whether the authorities above it may vouch for it.
// Go: crypto/x509/verify.go VerifyHostname; constraints.go checkChainConstraints.

import {
  type Address,
  type Certificate,
  type Mailbox,
  type NameConstraints,
  type NameSubtrees,
  parseAddress,
  parseMailbox,
} from "@portcullis/lang/go";

/** Whether the certificate is for the host, a name or an address. Common names do not count. */
export function isForHost({ names }: Certificate, host: string): boolean {
  const bracketed = host.length >= 3 && host.startsWith("[") && host.endsWith("]");
  const address = parseAddress(bracketed ? host.slice(1, -1) : host);
  if (address !== null) {
    return names.addresses.some((candidate) => shortest(candidate).join() === shortest(address).join());
  }
  const wanted = lower(host);
  const isHost = isHostname(wanted, false);
  const parts = wanted.replace(/\.$/, "").split(".");
  return names.domains.some((pattern) =>
    isHost && isHostname(pattern, true) ? matchesHost(lower(pattern), parts) : matchesExactly(pattern, wanted),
  );
}

/** An IPv4 address may be written as an IPv6 one. */
function shortest(address: Address): Address {
  const isMapped = address.length === 16 && address.slice(0, 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255";
  return isMapped ? address.slice(12) : address;
}

/** ASCII letters only. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function isHostname(text: string, isPattern: boolean): boolean {
  const host = isPattern ? text : text.replace(/\.$/, "");
  if (host === "" || host === "*") return false;
  return host
    .split(".")
    .every((part, at) => (isPattern && at === 0 && part === "*") || /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(part));
}

function matchesHost(pattern: string, parts: readonly string[]): boolean {
  const patterns = pattern.split(".");
  if (patterns.length !== parts.length) return false;
  return patterns.every((part, at) => (at === 0 && part === "*") || part === parts[at]);
}

function matchesExactly(a: string, b: string): boolean {
  return a !== "" && a !== "." && b !== "" && b !== "." && lower(a) === lower(b);
}

// ── constraints

/** The names of one certificate in the form in which constraints are applied to them. */
interface Names {
  readonly domains: readonly string[];
  readonly hosts: readonly string[];
  readonly mailboxes: readonly Mailbox[];
  readonly addresses: readonly Address[];
}

/** Whether every name obeys the constraints of every certificate above it. The chain begins with the leaf. */
export function constraintsAllow(chain: readonly Certificate[]): boolean {
  return chain.every((certificate, at) => {
    const above = chain.slice(at + 1).filter((other) => hasExtension(other, "2.5.29.30"));
    if (above.length === 0 || !hasExtension(certificate, "2.5.29.17")) return true;
    const names = namesOf(certificate);
    return names !== null && above.every(({ constraints }) => allows(constraints, names));
  });
}

function hasExtension({ extensions }: Certificate, id: string): boolean {
  return extensions.some((extension) => extension.id.join(".") === id);
}

/** Null where a name is none that constraints can be applied to. */
function namesOf({ names: { domains, emails, addresses, uris } }: Certificate): Names | null {
  const mailboxes = emails.map(parseMailbox);
  const hosts = uris.map(({ parts }) => hostOf(parts.Host.toLowerCase()));
  if (mailboxes.includes(null) || hosts.includes(null)) return null;
  const boxes = (mailboxes as readonly Mailbox[]).map(({ local, domain }) => ({ local, domain: domain.toLowerCase() }));
  const names = { domains, hosts: hosts as readonly string[], mailboxes: boxes, addresses };
  const all = [...domains, ...names.hosts, ...boxes.map(({ domain }) => domain)];
  return all.every((name) => isDomainName(name)) ? names : null;
}

/** The host of a URI without its port; null for an address and for none. */
function hostOf(host: string): string | null {
  if (host === "") return null;
  const name = host.includes(":") && !host.endsWith("]") ? /^([^:[\]]*):[^:[\]]*$/.exec(host)?.[1] : host;
  return name === undefined || name.startsWith("[") || parseAddress(name) !== null ? null : name;
}

/** Go: domainNameValid, of a name that is no constraint. */
function isDomainName(name: string): boolean {
  return name === "" || name.split(".").every((label) => /^[!-~]+$/.test(label));
}

function allows({ permitted, excluded }: NameConstraints, names: Names): boolean {
  const check = <T>(
    list: readonly T[],
    limits: (subtrees: NameSubtrees) => number,
    matches: (name: T, subtrees: NameSubtrees, isExcluded: boolean) => boolean,
  ): boolean =>
    list.every(
      (name) =>
        (limits(permitted) === 0 || matches(name, permitted, false)) &&
        (limits(excluded) === 0 || !matches(name, excluded, true)),
    );
  return (
    check(
      names.addresses,
      ({ ranges }) => ranges.length,
      (address, { ranges }) => ranges.some(({ address: base, mask }) => isInRange(address, base, mask)),
    ) &&
    check(
      names.domains,
      ({ domains }) => domains.length,
      (name, { domains }, isExcluded) => isBelowAny(name, domains, isExcluded),
    ) &&
    check(
      names.hosts,
      ({ uriDomains }) => uriDomains.length,
      (name, { uriDomains }, isExcluded) => isBelowAny(name, uriDomains, isExcluded),
    ) &&
    check(
      names.mailboxes,
      ({ emails }) => emails.length,
      (mailbox, { emails }, isExcluded) => isMailFor(mailbox, emails, isExcluded),
    )
  );
}

function isInRange(address: Address, base: Address, mask: Address): boolean {
  if (address.length !== base.length) return false;
  return address.every((byte, at) => (byte & (mask[at] ?? 0)) === ((base[at] ?? 0) & (mask[at] ?? 0)));
}

/** With an at sign a constraint is one mailbox, else a domain. */
function isMailFor(mailbox: Mailbox, emails: readonly string[], isExcluded: boolean): boolean {
  const [boxes, domains] = [emails.filter((one) => one.includes("@")), emails.filter((one) => !one.includes("@"))];
  const isListed = boxes.some((text) => {
    const box = parseMailbox(text);
    return box !== null && box.local === mailbox.local && box.domain.toLowerCase() === mailbox.domain;
  });
  return isListed || (domains.length > 0 && isBelowAny(mailbox.domain, domains, isExcluded));
}

function isBelowAny(name: string, constraints: readonly string[], isExcluded: boolean): boolean {
  if (constraints.some((constraint) => constraint === "" || isBelow(name, constraint))) return true;
  // What a wildcard could stand for is excluded too.
  if (!isExcluded || !name.startsWith("*")) return false;
  const parent = withoutLabel(name.toLowerCase());
  return constraints.some((constraint) => {
    const other = withoutLabel(constraint.toLowerCase());
    return other !== "" && other === parent;
  });
}

function withoutLabel(name: string): string {
  const dot = name.indexOf(".");
  return dot === -1 ? "" : name.slice(dot);
}

function isBelow(name: string, constraint: string): boolean {
  if (!lower(name).endsWith(lower(constraint))) return false;
  const rest = name.length - constraint.length;
  return rest === 0 || constraint.startsWith(".") || name[rest - 1] === ".";
}
