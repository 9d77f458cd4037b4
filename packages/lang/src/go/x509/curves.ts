// Elliptic curves as far as keys need them: whether a point lies on one, and the public key of a private one. Plain
// arithmetic, whose time depends on the key: nothing here signs anything, and a policy that holds a private key shows it
// anyway. Points are (x, y); null is the point at infinity. Parameters: FIPS 186-5, RFC 8032, RFC 7748.

export interface Curve {
  /** As Go's errors and JSON Web Keys have it. */
  readonly name: string;
  readonly oid: string;
  readonly p: bigint;
  readonly b: bigint;
  /** The order of the base point. */
  readonly n: bigint;
  readonly base: Point;
  /** Bytes of a coordinate. */
  readonly size: number;
}

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** Curves y² = x³ − 3x + b over a prime field. */
export const curves: readonly Curve[] = [
  {
    name: "P-224",
    oid: "1.3.132.0.33",
    p: 2n ** 224n - 2n ** 96n + 1n,
    b: 0xb4050a850c04b3abf54132565044b0b7d7bfd8ba270b39432355ffb4n,
    n: 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn,
    base: {
      x: 0xb70e0cbd6bb4bf7f321390b94a03c1d356c21122343280d6115c1d21n,
      y: 0xbd376388b5f723fb4c22dfe6cd4375a05a07476444d5819985007e34n,
    },
    size: 28,
  },
  {
    name: "P-256",
    oid: "1.2.840.10045.3.1.7",
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    base: {
      x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    },
    size: 32,
  },
  {
    name: "P-384",
    oid: "1.3.132.0.34",
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    base: {
      x: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      y: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    },
    size: 48,
  },
  {
    name: "P-521",
    oid: "1.3.132.0.35",
    p: 2n ** 521n - 1n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    n: 0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    base: {
      x: 0x00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
      y: 0x011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    },
    size: 66,
  },
];

export function integerOfBytes(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${hexOf(bytes)}`);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Big-endian, with leading zeros up to the size. */
export function bytesOfInteger(value: bigint, size: number): Uint8Array {
  const hex = value.toString(16).padStart(size * 2, "0");
  return Uint8Array.from({ length: size }, (_, at) => Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16));
}

/** Not negative. */
export function modulo(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

/** Null where there is none. */
export function inverse(value: bigint, modulus: bigint): bigint | null {
  let [a, b, x, y] = [modulo(value, modulus), modulus, 1n, 0n];
  while (a !== 0n) {
    const quotient = b / a;
    [a, b] = [b % a, a];
    [x, y] = [y - quotient * x, x];
  }
  return b === 1n ? modulo(y, modulus) : null;
}

export function isOnCurve({ x, y }: Point, { p, b }: Curve): boolean {
  return x < p && y < p && modulo(y * y - (x * x * x - 3n * x + b), p) === 0n;
}

/** (X, Y, Z) stands for x = X/Z², y = Y/Z³, which saves a division for every step; Z is 0 at infinity. */
type Jacobian = readonly [x: bigint, y: bigint, z: bigint];

function double([x, y, z]: Jacobian, p: bigint): Jacobian {
  const delta = (z * z) % p;
  const gamma = (y * y) % p;
  const beta = (x * gamma) % p;
  const alpha = (3n * (x - delta) * (x + delta)) % p;
  const x3 = modulo(alpha * alpha - 8n * beta, p);
  const z3 = modulo((y + z) * (y + z) - gamma - delta, p);
  return [x3, modulo(alpha * (4n * beta - x3) - 8n * gamma * gamma, p), z3];
}

function add(a: Jacobian, b: Jacobian, p: bigint): Jacobian {
  const [[x1, y1, z1], [x2, y2, z2]] = [a, b];
  if (z1 === 0n) return b;
  if (z2 === 0n) return a;
  const [zz1, zz2] = [(z1 * z1) % p, (z2 * z2) % p];
  const [u1, u2] = [(x1 * zz2) % p, (x2 * zz1) % p];
  const [s1, s2] = [(y1 * z2 * zz2) % p, (y2 * z1 * zz1) % p];
  const [h, r] = [modulo(u2 - u1, p), modulo(s2 - s1, p)];
  if (h === 0n) return r === 0n ? double(a, p) : [1n, 1n, 0n];
  const hh = (h * h) % p;
  const hhh = (h * hh) % p;
  const v = (u1 * hh) % p;
  const x3 = modulo(r * r - hhh - 2n * v, p);
  return [x3, modulo(r * (v - x3) - s1 * hhh, p), (h * z1 * z2) % p];
}

/** The public key of a private one; null for a multiple of the order. */
export function publicPoint(scalar: bigint, { p, base }: Curve): Point | null {
  let sum: Jacobian = [1n, 1n, 0n];
  let power: Jacobian = [base.x, base.y, 1n];
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) sum = add(sum, power, p);
    power = double(power, p);
  }
  const [x, y, z] = sum;
  const over = inverse(z, p);
  if (over === null) return null;
  const square = (over * over) % p;
  return { x: (x * square) % p, y: (y * square * over) % p };
}

// ── edwards25519 and, in another form, curve25519

const field = 2n ** 255n - 19n;
const d = modulo(-121665n * (inverse(121666n, field) ?? 0n), field);

/** (X, Y, Z, T) stands for x = X/Z, y = Y/Z, xy = T/Z. */
type Extended = readonly [x: bigint, y: bigint, z: bigint, t: bigint];

const baseX = 15112221349535400772501151409588531511454012693041857206046113283949847762202n;
const baseY = 46316835694926478169428394003475163141307993866256225615783033603165251855960n;
const edwardsBase: Extended = [baseX, baseY, 1n, (baseX * baseY) % field];

function addEdwards([x1, y1, z1, t1]: Extended, [x2, y2, z2, t2]: Extended): Extended {
  const a = ((y1 - x1) * (y2 - x2)) % field;
  const b = ((y1 + x1) * (y2 + x2)) % field;
  const c = (2n * d * t1 * t2) % field;
  const e = (2n * z1 * z2) % field;
  const [f, g, h, k] = [b - a, e - c, e + c, b + a];
  return [modulo(f * g, field), modulo(h * k, field), modulo(g * h, field), modulo(f * k, field)];
}

/** A private key is a scalar with some bits fixed, lowest byte first. */
function edwardsPoint(key: Uint8Array): Extended {
  const bytes = key.slice(0, 32).toReversed();
  bytes[31] = (bytes[31] ?? 0) & 0xf8;
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  let sum: Extended = [0n, 1n, 1n, 0n];
  let power = edwardsBase;
  for (let rest = integerOfBytes(bytes); rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) sum = addEdwards(sum, power);
    power = addEdwards(power, power);
  }
  return sum;
}

/** The public key of an Ed25519 seed, of which the SHA-512 digest is given. */
export function ed25519PublicKey(seedDigest: Uint8Array): Uint8Array {
  const [x, y, z] = edwardsPoint(seedDigest);
  const over = inverse(z, field) ?? 0n;
  const bytes = bytesOfInteger((y * over) % field, 32).toReversed();
  if ((((x * over) % field) & 1n) === 1n) bytes[31] = (bytes[31] ?? 0) | 0x80;
  return bytes;
}

/** The public key of an X25519 private key: u = (1 + y) / (1 − y). */
export function x25519PublicKey(key: Uint8Array): Uint8Array {
  const [, y, z] = edwardsPoint(key);
  return bytesOfInteger(modulo((z + y) * (inverse(z - y, field) ?? 0n), field), 32).toReversed();
}
