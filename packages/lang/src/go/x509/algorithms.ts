// Algorithm identifiers, with the numbers that Go gives to signature algorithms.
// Go: crypto/x509/x509.go signatureAlgorithmDetails, getSignatureAlgorithmFromAI; parser.go parseAI.

import { DerReader, contextTag, tags } from "./der.ts";
import { must } from "./malformed.ts";

const signatureAlgorithms: ReadonlyMap<string, number> = new Map([
  ["1.2.840.113549.1.1.4", 2],
  ["1.2.840.113549.1.1.5", 3],
  ["1.3.14.3.2.29", 3],
  ["1.2.840.113549.1.1.11", 4],
  ["1.2.840.113549.1.1.12", 5],
  ["1.2.840.113549.1.1.13", 6],
  ["1.2.840.10040.4.3", 7],
  ["2.16.840.1.101.3.4.3.2", 8],
  ["1.2.840.10045.4.1", 9],
  ["1.2.840.10045.4.3.2", 10],
  ["1.2.840.10045.4.3.3", 11],
  ["1.2.840.10045.4.3.4", 12],
]);
const rsaPss = "1.2.840.113549.1.1.10";
const ed25519 = "1.3.101.112";
const pssMask = "1.2.840.113549.1.1.8";
/** Hash, its salt in bytes, and Go's number. */
const pssHashes: ReadonlyMap<string, readonly [bigint, number]> = new Map([
  ["2.16.840.1.101.3.4.2.1", [32n, 13]],
  ["2.16.840.1.101.3.4.2.2", [48n, 14]],
  ["2.16.840.1.101.3.4.2.3", [64n, 15]],
]);

export interface Identifier {
  readonly algorithm: string;
  /** The element with its header; null when there is none. */
  readonly parameters: Uint8Array | null;
}

/** What stands inside an algorithm identifier's sequence. */
export function readIdentifier(content: DerReader): Identifier {
  const arcs = must(content.objectIdentifier(), "x509: malformed OID");
  if (content.isEmpty) return { algorithm: arcs.join("."), parameters: null };
  const { whole } = must(content.any(), "x509: malformed parameters");
  return { algorithm: arcs.join("."), parameters: whole };
}

/** Go's number of a signature algorithm; 0 for an unknown one. */
export function signatureAlgorithmOf(content: Uint8Array): number {
  const { algorithm, parameters } = readIdentifier(new DerReader(content));
  if (algorithm === ed25519) return parameters === null ? 16 : 0;
  if (algorithm !== rsaPss) return signatureAlgorithms.get(algorithm) ?? 0;
  return parameters === null ? 0 : pssAlgorithmOf(parameters);
}

/** PSS has many options; Go knows those where the two hashes agree and the salt is as long as they are. */
function pssAlgorithmOf(parameters: Uint8Array): number {
  const fields = new DerReader(parameters).enter(tags.sequence);
  const hash = identifierIn(fields?.enter(contextTag(0, true)));
  const mask = identifierIn(fields?.enter(contextTag(1, true)));
  const salt = fields?.enter(contextTag(2, true))?.integer() ?? null;
  if (hash === null || mask?.algorithm !== pssMask || mask.parameters === null) return 0;
  const maskHash = readIdentifier(
    must(new DerReader(mask.parameters).enter(tags.sequence), "x509: malformed parameters"),
  );
  const [saltLength, number] = pssHashes.get(hash.algorithm) ?? [null, 0];
  return maskHash.algorithm === hash.algorithm && salt === saltLength ? number : 0;
}

function identifierIn(wrapper: DerReader | null | undefined): Identifier | null {
  const content = wrapper?.enter(tags.sequence) ?? null;
  return content === null ? null : readIdentifier(content);
}
