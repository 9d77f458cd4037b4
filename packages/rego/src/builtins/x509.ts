// Certificates, requests for them and private keys, as Go's standard library shows them in JSON, and chains of
// certificates checked up to a root. OPA: v1/topdown/crypto.go.

import { Decimal } from "@portcullis/lang";
import {
  type Certificate,
  MalformedX509,
  type PemBlock,
  type PublicKey,
  decodeBase64,
  decodePem,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  pemBlocks,
  readCertificate,
  readCertificateRequest,
  readCertificates,
  standardBase64,
} from "@portcullis/lang/go";
import { compare } from "../runtime/compare.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, isArray, isNumber, isObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { equalBytes } from "./jwtkeys.ts";
import { TokenError } from "./jwtparts.ts";
import { onString } from "./operand.ts";
import { type PrivateKey, jwkOf, privateKeyJson, readEc, readPkcs1, readPkcs8 } from "./x509keys.ts";
import { type VerifyOptions, verifiedChain } from "./x509verify.ts";

/** A built-in that reports what its reading found wrong. Reading takes a few hundred steps for each character. */
function reading(
  evaluate: (call: BuiltinCall, text: string) => Value | undefined,
): (call: BuiltinCall, text: string) => Value | undefined {
  return (call, text) => {
    call.budget.output(text.length * 8);
    try {
      return evaluate(call, text);
    } catch (error) {
      if (error instanceof MalformedX509 || error instanceof TokenError) return call.fail(error.message);
      throw error;
    }
  };
}

function fromBase64(text: string): Uint8Array {
  const bytes = decodeBase64(text, standardBase64);
  if ("error" in bytes) throw new MalformedX509(bytes.error);
  return bytes;
}

const dashes = "-----BEGIN";

/** Of PEM, of base64 of PEM, or of base64 of DER. OPA: getX509CertsFromString. */
function certificatesOf(text: string): readonly Certificate[] {
  if (text.startsWith(dashes)) return certificatesOfPem(text);
  const bytes = fromBase64(text);
  const decoded = decodeUtf8(bytes);
  return decoded.startsWith(dashes) ? certificatesOfPem(decoded) : readCertificates(bytes);
}

function certificatesOfPem(text: string): readonly Certificate[] {
  const blocks = pemBlocks(text);
  const other = blocks.find(({ type }) => type !== "CERTIFICATE");
  if (other !== undefined) throw new MalformedX509(`PEM block type is '${other.type}', expected CERTIFICATE`);
  return blocks.flatMap(({ bytes }) => readCertificates(bytes));
}

/** OPA adds the URIs as texts. */
function withUriTexts({ json, names: { uris } }: Certificate): PlainObject {
  return { ...json, URIStrings: uris.length === 0 ? null : uris.map(({ text }) => text) };
}

// ── verification

const notVerified: Value = [false, []];

/** False with nothing where a certificate cannot be read or the chain is not valid. */
function verify(
  call: BuiltinCall,
  text: string,
  { options, show }: { readonly options: () => VerifyOptions; readonly show: (one: Certificate) => Value },
): Value | undefined {
  let certificates: readonly Certificate[];
  try {
    certificates = certificatesOf(text);
  } catch (error) {
    if (error instanceof MalformedX509) return notVerified;
    throw error;
  }
  const chain = verifiedChain(call, certificates, options());
  return chain === null ? notVerified : [true, chain.map(show)];
}

const anyTime: VerifyOptions = { host: "", at: null, keyUsages: [] };

const parseAndVerify = reading((call, text) => verify(call, text, { options: () => anyTime, show: withUriTexts }));

function parseAndVerifyWithOptions(call: BuiltinCall, text: Value, options: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  if (!isObject(options)) return operandError(call, 2, options, "object");
  return reading((_call, source) =>
    verify(call, source, { options: () => optionsOf(options), show: ({ json }) => json }),
  )(call, text);
}

const keyUsageNames: readonly string[] = [
  "KeyUsageAny",
  "KeyUsageServerAuth",
  "KeyUsageClientAuth",
  "KeyUsageCodeSigning",
  "KeyUsageEmailProtection",
  "KeyUsageIPSECEndSystem",
  "KeyUsageIPSECTunnel",
  "KeyUsageIPSECUser",
  "KeyUsageTimeStamping",
  "KeyUsageOCSPSigning",
  "KeyUsageMicrosoftServerGatedCrypto",
  "KeyUsageNetscapeServerGatedCrypto",
  "KeyUsageMicrosoftCommercialCodeSigning",
  "KeyUsageMicrosoftKernelCodeSigning",
];

/** OPA: extractVerifyOpts. */
function optionsOf(object: PlainObject | RegoObject): VerifyOptions {
  const options: { -readonly [Name in keyof VerifyOptions]: VerifyOptions[Name] } = { ...anyTime };
  const entries = object instanceof RegoObject ? object.entries() : Object.entries(object);
  for (const [key, value] of entries.toSorted((a, b) => compare(a[0], b[0]))) {
    if (key === "DNSName") options.host = hostOption(value);
    else if (key === "CurrentTime") options.at = integerOption(value, key, "int64 number");
    else if (key === "MaxConstraintComparisons") integerOption(value, key, "number");
    else if (key === "KeyUsages") options.keyUsages = usagesOption(value);
    else if (typeof key === "string") throw new MalformedX509("invalid key option");
  }
  return options;
}

function unquoted(text: string): string {
  return text.replace(/^"+/, "").replace(/(?<!")"+$/, "");
}

function hostOption(value: Value): string {
  if (typeof value !== "string") throw new MalformedX509("'DNSName' should be a string");
  return unquoted(value);
}

/** As Go reads it: digits alone. */
function integerOption(value: Value, name: string, kind: string): bigint {
  if (!isNumber(value)) throw new MalformedX509(`'${name}' should be a number`);
  const text = value instanceof Decimal ? value.text : String(value);
  const integer = /^-?\d+$/.test(text) ? BigInt(text) : null;
  if (integer === null || BigInt.asIntN(64, integer) !== integer) {
    throw new MalformedX509(`'${name}' should be a valid ${kind}`);
  }
  return integer;
}

function usagesOption(value: Value): readonly number[] {
  if (!isArray(value) && !(value instanceof RegoSet)) {
    throw new MalformedX509("'KeyUsages' should be an Array or Set");
  }
  const members = isArray(value) ? value : value.sorted(compare);
  const names = members.filter((member) => typeof member === "string").map(unquoted);
  const wrong = names.filter((name) => !keyUsageNames.includes(name));
  if (wrong.length > 0) throw new MalformedX509(`invalid entries for 'KeyUsages' found: [${wrong.join(" ")}]`);
  return names.map((name) => keyUsageNames.indexOf(name));
}

// ── requests and keys

const parseRequest = reading((_call, text) => {
  const bytes = text.startsWith("-----BEGIN CERTIFICATE REQUEST-----") ? encodeUtf8(text) : fromBase64(text);
  const block = decodePem(decodeUtf8(bytes));
  if (block !== null && block.type !== "CERTIFICATE REQUEST") {
    throw new MalformedX509("invalid PEM-encoded certificate signing request");
  }
  return readCertificateRequest(block?.bytes ?? bytes).json;
});

/** Of all PEM blocks that hold one; the text may be base64. OPA: getPrivateKeysFromPEMData. */
function privateKeysOf(call: BuiltinCall, text: string): readonly PrivateKey[] {
  const bytes = decodeBase64(text, standardBase64);
  return pemBlocks("error" in bytes ? text : decodeUtf8(bytes)).flatMap((block) => privateKeyOf(call, block) ?? []);
}

function privateKeyOf(call: BuiltinCall, { type, bytes }: PemBlock): PrivateKey | null {
  switch (type) {
    case "RSA PRIVATE KEY":
      return readPkcs1(bytes);
    case "PRIVATE KEY":
      return readPkcs8(call, bytes);
    case "EC PRIVATE KEY":
      return readEc(call, bytes, null);
    default:
      return null;
  }
}

const parsePrivateKeys = reading((call, text) => (text === "" ? null : privateKeysOf(call, text).map(privateKeyJson)));

/** OPA goes on with an address in its memory. */
const noJwk =
  "failed to initialize *jwk.ecdsaPrivateKey from *ecdsa.PrivateKey: jwk: failed to get algorithm for converting ECDSA private key to JWK: unknown elliptic curve: P-224";

const parsePrivateJwk = reading((call, text) => {
  if (text === "") throw new MalformedX509("input PEM data was empty");
  const pem = text.startsWith(dashes) ? text : decodeUtf8(fromBase64(text));
  const [key] = privateKeysOf(call, pem);
  if (key?.kind === "ec" && key.curve.name === "P-224") throw new MalformedX509(noJwk);
  return key === undefined ? null : jwkOf(key);
});

function parseKeyPair(call: BuiltinCall, certificate: Value, key: Value): Value | undefined {
  if (typeof certificate !== "string") return operandError(call, 1, certificate, "string");
  // OPA counts from the certificate again.
  if (typeof key !== "string") return operandError(call, 1, key, "string");
  return reading((_call, text) => keyPair(call, blocksOf(text, "CERTIFICATE"), blocksOf(key, "PRIVATE KEY")))(
    call,
    certificate,
  );
}

/** PEM, base64 of PEM, or base64 of DER, which is then one block. */
function blocksOf(text: string, type: string): readonly PemBlock[] {
  if (text.startsWith("-----BEGIN ")) return pemBlocks(text);
  const bytes = fromBase64(text);
  const decoded = decodeUtf8(bytes);
  return decoded.startsWith("-----BEGIN ") ? pemBlocks(decoded) : [{ type, bytes, end: 0 }];
}

/** Go: tls.X509KeyPair. */
function keyPair(call: BuiltinCall, blocks: readonly PemBlock[], keyBlocks: readonly PemBlock[]): Value {
  const certificates = blocks.filter(({ type }) => type === "CERTIFICATE");
  const [first] = certificates;
  if (first === undefined) throw new MalformedX509(noCertificate(blocks.map(({ type }) => type)));
  const isKey = ({ type }: PemBlock): boolean => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY");
  const keyBlock = keyBlocks.find(isKey);
  if (keyBlock === undefined) throw new MalformedX509(noKey(keyBlocks.map(({ type }) => type)));
  const leaf = readCertificate(first.bytes);
  const key = anyPrivateKey(call, keyBlock.bytes);
  checkPair(leaf, key);
  return {
    Certificate: certificates.map(({ bytes }) => encodeBase64(bytes, standardBase64)),
    PrivateKey: privateKeyJson(key),
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: leaf.json,
  };
}

function noCertificate(skipped: readonly string[]): string {
  if (skipped.length === 0) return "tls: failed to find any PEM data in certificate input";
  if (skipped.length === 1 && skipped[0]?.endsWith("PRIVATE KEY") === true) {
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  }
  const types = `[${skipped.join(" ")}]`;
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${types}`;
}

function noKey(skipped: readonly string[]): string {
  if (skipped.length === 0) return "tls: failed to find any PEM data in key input";
  if (skipped.length === 1 && skipped[0] === "CERTIFICATE") {
    return "tls: found a certificate rather than a key in the PEM for the private key";
  }
  const types = `[${skipped.join(" ")}]`;
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${types}`;
}

/** Whatever form it has. Go: tls.parsePrivateKey. */
function anyPrivateKey(call: BuiltinCall, der: Uint8Array): PrivateKey {
  const readers = [
    readPkcs1,
    (bytes: Uint8Array) => readPkcs8(call, bytes),
    (bytes: Uint8Array) => readEc(call, bytes, null),
  ];
  for (const read of readers) {
    try {
      const key: PrivateKey = read(der);
      if (key.kind !== "x25519") return key;
    } catch (error) {
      if (!(error instanceof MalformedX509)) throw error;
      continue;
    }
    throw new MalformedX509("tls: found unknown private key type in PKCS#8 wrapping");
  }
  throw new MalformedX509("tls: failed to parse private key");
}

function checkPair({ publicKey }: Certificate, key: PrivateKey): void {
  if (publicKey === null || publicKey.kind === "dsa") throw new MalformedX509("tls: unknown public key algorithm");
  if (publicKey.kind !== key.kind) {
    throw new MalformedX509("tls: private key type does not match public key type");
  }
  if (!isPair(publicKey, key)) throw new MalformedX509("tls: private key does not match public key");
}

function isPair(publicKey: PublicKey, key: PrivateKey): boolean {
  if (publicKey.kind === "rsa" && key.kind === "rsa") {
    return publicKey.modulus === key.modulus && publicKey.exponent === key.exponent;
  }
  if (publicKey.kind === "ec" && key.kind === "ec") {
    return publicKey.curve === key.curve && publicKey.x === key.x && publicKey.y === key.y;
  }
  return publicKey.kind === "ed25519" && key.kind === "ed25519" && equalBytes(publicKey.bytes, key.publicKey);
}

// ── the list

const object = t.object(t.string, t.any);
const objects = t.array(object);
const verified = t.tuple(t.boolean, objects);

export const x509Builtins: readonly Builtin[] = [
  {
    name: "crypto.x509.parse_certificates",
    type: t.function([t.string], objects),
    evaluate: onString(reading((_call, text) => certificatesOf(text).map(withUriTexts))),
  },
  {
    name: "crypto.x509.parse_and_verify_certificates",
    type: t.function([t.string], verified),
    evaluate: onString(parseAndVerify),
  },
  {
    name: "crypto.x509.parse_and_verify_certificates_with_options",
    type: t.function([t.string, object], verified),
    evaluate: parseAndVerifyWithOptions,
  },
  {
    name: "crypto.x509.parse_certificate_request",
    type: t.function([t.string], object),
    evaluate: onString(parseRequest),
  },
  {
    name: "crypto.x509.parse_keypair",
    type: t.function([t.string, t.string], object),
    evaluate: parseKeyPair,
  },
  {
    name: "crypto.x509.parse_rsa_private_key",
    type: t.function([t.string], object),
    evaluate: onString(parsePrivateJwk),
  },
  {
    name: "crypto.parse_private_keys",
    type: t.function([t.string], objects),
    evaluate: onString(parsePrivateKeys),
  },
];
