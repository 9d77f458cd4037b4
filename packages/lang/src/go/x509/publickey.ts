// Public keys of the kinds that Go knows. Go: crypto/x509/parser.go parsePublicKey; crypto/ecdsa ParseUncompressedPublicKey.

import { numberOfInteger } from "../../decimal.ts";
import { readIdentifier, type Identifier } from "./algorithms.ts";
import { type Curve, type Point, curves, integerOfBytes, isOnCurve } from "./curves.ts";
import { DerReader, rightAligned, tags } from "./der.ts";
import { base64Of, type Json } from "./json.ts";
import { Malformed, must } from "./malformed.ts";

interface RsaKey {
  readonly kind: "rsa";
  readonly modulus: bigint;
  readonly exponent: bigint;
  /** Something follows the exponent, which Go's reader passes over. */
  readonly hasMore: boolean;
}

interface EcKey extends Point {
  readonly kind: "ec";
  readonly curve: Curve;
}

interface DsaKey {
  readonly kind: "dsa";
  readonly p: bigint;
  readonly q: bigint;
  readonly g: bigint;
  readonly y: bigint;
}

interface Ed25519Key {
  readonly kind: "ed25519";
  readonly bytes: Uint8Array;
}

export type PublicKey = RsaKey | EcKey | DsaKey | Ed25519Key;

/** Go's numbers of algorithms of public keys. */
const kinds: ReadonlyMap<string, readonly [number, (parameters: Uint8Array | null, data: Uint8Array) => PublicKey]> =
  new Map([
    ["1.2.840.113549.1.1.1", [1, readRsa]],
    ["1.2.840.10040.4.1", [2, readDsa]],
    ["1.2.840.10045.2.1", [3, readEc]],
    ["1.3.101.112", [4, readEd25519]],
  ]);

export interface ReadKey {
  /** Go's number, 0 for an algorithm that it does not know. */
  readonly algorithm: number;
  readonly key: PublicKey | null;
}

/** The key of a SubjectPublicKeyInfo. */
export function readPublicKey(info: Uint8Array): ReadKey {
  const outer = must(new DerReader(info).enter(tags.sequence), "x509: malformed spki");
  const algorithm = must(outer.enter(tags.sequence), "x509: malformed public key algorithm identifier");
  const identifier: Identifier = readIdentifier(algorithm);
  const bits = must(outer.bitText(), "x509: malformed subjectPublicKey");
  const [number, read] = kinds.get(identifier.algorithm) ?? [0, null];
  return { algorithm: number, key: read === null ? null : read(identifier.parameters, rightAligned(bits)) };
}

const nothing = `${tags.nothing},0`;

function readRsa(parameters: Uint8Array | null, data: Uint8Array): RsaKey {
  if (parameters?.join() !== nothing) throw new Malformed("x509: RSA key missing NULL parameters");
  const content = must(new DerReader(data).enter(tags.sequence), "x509: invalid RSA public key");
  const modulus = must(content.integer(), "x509: invalid RSA modulus");
  const exponent = must(content.integer(), "x509: invalid RSA public exponent");
  if (exponent >= 2n ** 63n) throw new Malformed("x509: invalid RSA public exponent");
  if (modulus <= 0n) throw new Malformed("x509: RSA modulus is not a positive number");
  if (exponent <= 0n) throw new Malformed("x509: RSA public exponent is not a positive number");
  return { kind: "rsa", modulus, exponent, hasMore: !content.isEmpty };
}

function readDsa(parameters: Uint8Array | null, data: Uint8Array): DsaKey {
  const y = must(new DerReader(data).integer(), "x509: invalid DSA public key");
  const content = new DerReader(parameters ?? new Uint8Array()).enter(tags.sequence);
  const [p, q, g] = [0, 1, 2].map(() => must(content?.integer(), "x509: invalid DSA parameters")) as [
    bigint,
    bigint,
    bigint,
  ];
  if ([y, p, q, g].some((value) => value <= 0n)) throw new Malformed("x509: zero or negative DSA parameter");
  return { kind: "dsa", p, q, g, y };
}

function readEc(parameters: Uint8Array | null, data: Uint8Array): EcKey {
  const arcs = new DerReader(parameters ?? new Uint8Array()).objectIdentifier();
  const oid = must(arcs, "x509: invalid ECDSA parameters").join(".");
  const curve = must(
    curves.find((known) => known.oid === oid),
    "x509: unsupported elliptic curve",
  );
  if (data[0] !== 4) throw new Malformed("ecdsa: invalid uncompressed public key");
  const name = curve.name.replace("-", "");
  const { size } = curve;
  if (data.length !== 1 + 2 * size) throw new Malformed(`invalid ${name} point encoding`);
  const point = { x: integerOfBytes(data.subarray(1, 1 + size)), y: integerOfBytes(data.subarray(1 + size)) };
  if (point.x >= curve.p || point.y >= curve.p) throw new Malformed(`invalid ${name}Element encoding`);
  if (!isOnCurve(point, curve)) throw new Malformed(`${name} point not on curve`);
  return { kind: "ec", curve, ...point };
}

function readEd25519(parameters: Uint8Array | null, bytes: Uint8Array): Ed25519Key {
  if (parameters !== null) throw new Malformed("x509: Ed25519 key encoded with illegal parameters");
  if (bytes.length !== 32) throw new Malformed("x509: wrong Ed25519 public key size");
  return { kind: "ed25519", bytes };
}

/** As Go's JSON shows the key. */
export function publicKeyJson(key: PublicKey | null): Json {
  switch (key?.kind) {
    case undefined:
      return null;
    case "rsa":
      return { N: numberOfInteger(key.modulus), E: numberOfInteger(key.exponent) };
    case "ec":
      return { Curve: {}, X: numberOfInteger(key.x), Y: numberOfInteger(key.y) };
    case "dsa": {
      const [P, Q, G, Y] = [key.p, key.q, key.g, key.y].map(numberOfInteger) as [Json, Json, Json, Json];
      return { P, Q, G, Y };
    }
    case "ed25519":
      return base64Of(key.bytes);
  }
}
