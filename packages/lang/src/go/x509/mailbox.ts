// Mailboxes of RFC 2821, `local@domain`, without comments and folding. Go: crypto/x509/verify.go parseRFC2821Mailbox.

export interface Mailbox {
  /** Without quotes and backslashes. */
  readonly local: string;
  readonly domain: string;
}

/** Null for anything else. */
export function parseMailbox(text: string): Mailbox | null {
  const found = text.startsWith('"') ? readQuoted(text) : readPlain(text);
  if (found === null || text[found.end] !== "@") return null;
  const domain = text.slice(found.end + 1);
  return isMailDomain(domain) ? { local: found.local, domain } : null;
}

interface Local {
  readonly local: string;
  readonly end: number;
}

const quoted =
  // oxlint-disable-next-line no-control-regex -- the RFC allows them
  /^"((?:[\u0001-\u0008\u000b\u000c\u000e-\u0021\u0023-\u005b\u005d-\u007f]|\\[\u0001-\u0009\u000b\u000c\u000e-\u007f])*)"/;

function readQuoted(text: string): Local | null {
  const match = quoted.exec(text);
  if (match === null) return null;
  return { local: (match[1] ?? "").replace(/\\([^])/g, "$1"), end: match[0].length };
}

function readPlain(text: string): Local | null {
  const match = /^(?:[0-9A-Za-z!#$%&'*+\-/=?^_`{|}~.]|\\[^])+/.exec(text);
  if (match === null) return null;
  const local = match[0].replace(/\\([^])/g, "$1");
  if (local.startsWith(".") || local.endsWith(".") || local.includes("..")) return null;
  return { local, end: match[0].length };
}

/** Go: domainToReverseLabels; an empty domain passes. */
function isMailDomain(domain: string): boolean {
  return domain === "" || domain.split(".").every((label) => /^[!-~]+$/.test(label));
}
