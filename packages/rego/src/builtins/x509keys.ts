// Private keys: PKCS #1, PKCS #8 and SEC 1, as Go reads them and shows them in JSON, and as JSON Web Keys.
// Go: crypto/x509/pkcs1.go, pkcs8.go, sec1.go; jwx: jwk/rsa.go, ecdsa.go, okp.go.

import { numberOfInteger } from "@portcullis/lang";
import {
  Asn1Reader,
  type Curve,
  type Element,
  MalformedX509,
  bytesOfInteger,
  curves,
  ed25519PublicKey,
  encodeBase64,
  integerOfBytes,
  publicPoint,
  rawUrlBase64,
  standardBase64,
  x25519PublicKey,
} from "@portcullis/lang/go";
import type { PlainObject, Value } from "../runtime/value.ts";
import type { BuiltinCall } from "./builtin.ts";
import { type RsaPrivateKey, bitLength, checkedRsaKey } from "./x509rsakey.ts";

export interface EcPrivateKey {
  readonly kind: "ec";
  readonly curve: Curve;
  readonly d: bigint;
  readonly x: bigint;
  readonly y: bigint;
}

/** Ed25519 and X25519. */
interface OctetKey {
  readonly kind: "ed25519" | "x25519";
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

export type PrivateKey = RsaPrivateKey | EcPrivateKey | OctetKey;

/** About what the multiplication of a point costs, in steps. */
const pointCost = 5_000_000;

/** Go: ParsePKCS1PrivateKey. Throws Malformed, as all readers here. */
export function readPkcs1(der: Uint8Array): RsaPrivateKey {
  const fields = orOther(() => pkcs1Fields(der), {
    what: "x509: failed to parse private key",
    others: [
      ["ParseECPrivateKey", () => ecFields(der)],
      ["ParsePKCS8PrivateKey", () => pkcs8Fields(der)],
    ],
  });
  const { version, numbers, further, hasMore } = fields;
  if (hasMore) throw new MalformedX509("asn1: syntax error: trailing data");
  if (version > 1n) throw new MalformedX509("x509: unsupported private key version");
  const [modulus, exponent, d, p, q, dp, dq, qInverse] = numbers;
  const [n, dd, pp, qq] = [modulus, d, p, q].map((value) => value ?? 0n) as [bigint, bigint, bigint, bigint];
  const optional = [dp, dq, qInverse].flatMap((value) => value ?? []);
  if ([n, dd, pp, qq, ...optional].some((value) => value <= 0n)) {
    throw new MalformedX509("x509: private key contains zero or negative value");
  }
  if (further.some((prime) => prime <= 0n)) {
    throw new MalformedX509("x509: private key contains zero or negative prime");
  }
  return checkedRsaKey({ modulus: n, exponent, d: dd, primes: [pp, qq, ...further], dp, dq, qInverse });
}

type Pkcs1Numbers = readonly [
  n: bigint | null,
  e: bigint,
  d: bigint | null,
  p: bigint | null,
  q: bigint | null,
  dp: bigint | null,
  dq: bigint | null,
  qInverse: bigint | null,
];

function pkcs1Fields(der: Uint8Array): {
  readonly version: bigint;
  readonly numbers: Pkcs1Numbers;
  readonly further: readonly bigint[];
  readonly hasMore: boolean;
} {
  const all = new Asn1Reader(der);
  const { fields } = all.sequence("pkcs1PrivateKey");
  const version = fields.int();
  const optional = { optional: true } as const;
  const numbers: Pkcs1Numbers = [
    fields.bigInt(),
    fields.int(),
    fields.bigInt(),
    fields.bigInt(),
    fields.bigInt(),
    fields.bigInt(optional),
    fields.bigInt(optional),
    fields.bigInt(optional),
  ];
  const further = fields.isEmpty ? [] : fields.sequences("", "pkcs1AdditionalRSAPrime", optional);
  const primes = further.map((prime) => {
    const [first] = [prime.bigInt(), prime.bigInt(), prime.bigInt()];
    return first ?? 0n;
  });
  return { version, numbers, further: primes, hasMore: !all.isEmpty };
}

interface Pkcs8Fields {
  readonly algorithm: readonly number[];
  readonly parameters: Element | null;
  readonly key: Uint8Array;
}

function pkcs8Fields(der: Uint8Array): Pkcs8Fields {
  const { fields } = new Asn1Reader(der).sequence("pkcs8");
  fields.int();
  const identifier = fields.sequence("AlgorithmIdentifier").fields;
  const algorithm = identifier.identifier() ?? [];
  const parameters = identifier.any({ optional: true });
  return { algorithm, parameters, key: fields.octets() };
}

interface Readings<T> {
  readonly what: string;
  /** Go's name of another reader, and what it would read. */
  readonly others: readonly (readonly [string, () => T | object])[];
}

/** What is wrong, or which reader should have been asked. */
function orOther<T>(read: () => T, { what, others }: Readings<unknown>): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedX509)) throw error;
    const other = others.find(([, attempt]) => succeeds(attempt));
    if (other !== undefined) {
      throw new MalformedX509(`${what} (use ${other[0]} instead for this key format)`, { cause: error });
    }
    throw error;
  }
}

function succeeds(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof MalformedX509) return false;
    throw error;
  }
}

/** Go: ParsePKCS8PrivateKey. */
export function readPkcs8(call: BuiltinCall, der: Uint8Array): PrivateKey {
  const { algorithm, parameters, key } = orOther(() => pkcs8Fields(der), {
    what: "x509: failed to parse private key",
    others: [
      ["ParseECPrivateKey", () => ecFields(der)],
      ["ParsePKCS1PrivateKey", () => pkcs1Fields(der)],
    ],
  });
  switch (algorithm.join(".")) {
    case "1.2.840.113549.1.1.1":
      return embedded("RSA", () => readPkcs1(key));
    case "1.2.840.10045.2.1":
      return embedded("EC", () => readEc(call, key, curveParameter(parameters)));
    case "1.3.101.112":
      return readEd25519(call, parameters, key);
    case "1.3.101.110":
      return readX25519(call, parameters, key);
    default: {
      const text = `x509: PKCS#8 wrapping contained private key with unknown algorithm: ${algorithm.join(".")}`;
      throw new MalformedX509(text);
    }
  }
}

function embedded<T>(kind: string, read: () => T): T {
  return prefixed(`x509: failed to parse ${kind} private key embedded in PKCS#8: `, read);
}

function prefixed<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof MalformedX509 ? new MalformedX509(prefix + error.message, { cause: error }) : error;
  }
}

function curveParameter(parameters: Element | null): string | null {
  if (parameters === null) return null;
  try {
    return new Asn1Reader(parameters.whole).identifier()?.join(".") ?? null;
  } catch (error) {
    if (error instanceof MalformedX509) return null;
    throw error;
  }
}

function readEd25519(call: BuiltinCall, parameters: Element | null, key: Uint8Array): OctetKey {
  if (parameters !== null) throw new MalformedX509("x509: invalid Ed25519 private key parameters");
  const seed = prefixed("x509: invalid Ed25519 private key: ", () => new Asn1Reader(key).octets());
  if (seed.length !== 32) throw new MalformedX509(`x509: invalid Ed25519 private key length: ${seed.length}`);
  call.budget.step(pointCost);
  const publicKey = ed25519PublicKey(call.world.host.digest("sha512", seed));
  return { kind: "ed25519", seed, publicKey };
}

function readX25519(call: BuiltinCall, parameters: Element | null, key: Uint8Array): OctetKey {
  if (parameters !== null) throw new MalformedX509("x509: invalid X25519 private key parameters");
  const seed = prefixed("x509: invalid X25519 private key: ", () => new Asn1Reader(key).octets());
  if (seed.length !== 32) throw new MalformedX509("crypto/ecdh: invalid private key size");
  call.budget.step(pointCost);
  return { kind: "x25519", seed, publicKey: x25519PublicKey(seed) };
}

interface EcFields {
  readonly version: bigint;
  readonly key: Uint8Array;
  readonly curve: string | null;
}

function ecFields(der: Uint8Array): EcFields {
  const { fields } = new Asn1Reader(der).sequence("ecPrivateKey");
  const version = fields.int();
  const key = fields.octets();
  const curve = fields.identifier({ optional: true, explicit: true, tag: 0 });
  fields.bits({ optional: true, explicit: true, tag: 1 });
  return { version, key, curve: curve?.join(".") ?? null };
}

/** Go: parseECPrivateKey. The curve may be known from around the key. */
export function readEc(call: BuiltinCall, der: Uint8Array, known: string | null): EcPrivateKey {
  const fields = ecFieldsOrOther(der);
  if (fields.version !== 1n) throw new MalformedX509(`x509: unknown EC private key version ${fields.version}`);
  const curve = curves.find(({ oid }) => oid === (known ?? fields.curve));
  if (curve === undefined) throw new MalformedX509("x509: unknown elliptic curve");
  const size = Math.ceil(bitLength(curve.n) / 8);
  const padding = fields.key.length - size;
  if (padding > 0 && fields.key.subarray(0, padding).some((byte) => byte !== 0)) {
    throw new MalformedX509("x509: invalid private key length");
  }
  const d = integerOfBytes(fields.key);
  call.budget.step(pointCost);
  const point = publicPoint(d % curve.n, curve);
  if (point === null) throw new MalformedX509("ecdsa: invalid public key encoding");
  if (d >= curve.n) throw new MalformedX509("input overflows the modulus");
  return { kind: "ec", curve, d, ...point };
}

function ecFieldsOrOther(der: Uint8Array): EcFields {
  const others = ["ParsePKCS8PrivateKey", "ParsePKCS1PrivateKey"];
  return prefixedUnless(others, "x509: failed to parse EC private key: ", () =>
    orOther(() => ecFields(der), {
      what: "x509: failed to parse private key",
      others: [
        ["ParsePKCS8PrivateKey", () => pkcs8Fields(der)],
        ["ParsePKCS1PrivateKey", () => pkcs1Fields(der)],
      ],
    }),
  );
}

function prefixedUnless<T>(names: readonly string[], prefix: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedX509) || names.some((name) => error.message.includes(name))) throw error;
    throw new MalformedX509(prefix + error.message, { cause: error });
  }
}

// ── JSON

/** As Go's JSON shows the key. */
export function privateKeyJson(key: PrivateKey): Value {
  switch (key.kind) {
    case "rsa":
      return rsaJson(key);
    case "ec":
      return {
        Curve: {},
        X: numberOfInteger(key.x),
        Y: numberOfInteger(key.y),
        D: numberOfInteger(key.d),
      };
    case "ed25519":
      return encodeBase64(Uint8Array.of(...key.seed, ...key.publicKey), standardBase64);
    case "x25519":
      return {};
  }
}

function rsaJson(key: RsaPrivateKey): PlainObject {
  return {
    N: numberOfInteger(key.modulus),
    E: numberOfInteger(key.exponent),
    D: numberOfInteger(key.d),
    Primes: key.primes.map(numberOfInteger),
    Precomputed: {
      Dp: numberOfInteger(key.dp),
      Dq: numberOfInteger(key.dq),
      Qinv: numberOfInteger(key.qInverse),
      CRTValues: key.further.map(({ exponent, coefficient, product }) => ({
        Exp: numberOfInteger(exponent),
        Coeff: numberOfInteger(coefficient),
        R: numberOfInteger(product),
      })),
    },
  };
}

/** A JSON Web Key. */
export function jwkOf(key: PrivateKey): PlainObject {
  const text = (bytes: Uint8Array): string => encodeBase64(bytes, rawUrlBase64);
  const integer = (value: bigint): string => text(bytesOfInteger(value, Math.ceil(bitLength(value) / 8)));
  switch (key.kind) {
    case "rsa": {
      const [p = 0n, q = 0n] = key.primes;
      const values = { n: key.modulus, e: key.exponent, d: key.d, p, q, dp: key.dp, dq: key.dq, qi: key.qInverse };
      const texts = Object.entries(values).map(([name, value]) => [name, integer(value)] as const);
      return { kty: "RSA", ...Object.fromEntries(texts) };
    }
    case "ec": {
      const part = (value: bigint): string => text(bytesOfInteger(value, key.curve.size));
      return { kty: "EC", crv: key.curve.name, x: part(key.x), y: part(key.y), d: part(key.d) };
    }
    case "ed25519":
    case "x25519": {
      const crv = key.kind === "ed25519" ? "Ed25519" : "X25519";
      return { kty: "OKP", crv, x: text(key.publicKey), d: text(key.seed) };
    }
  }
}
