// The numbers of an RSA private key: whether they belong together, and those that can be computed from the others.
// Plain arithmetic: nothing here signs. Go: crypto/rsa PrivateKey.Validate, Precompute; internal/fips140/rsa checkPrivateKey.

import { MalformedX509, inverse, modulo } from "@portcullis/lang/go";

export interface RsaPrivateKey {
  readonly kind: "rsa";
  readonly modulus: bigint;
  readonly exponent: bigint;
  readonly d: bigint;
  /** Two, in rare old keys more. */
  readonly primes: readonly bigint[];
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qInverse: bigint;
  /** For the third prime and those behind it. */
  readonly further: readonly FurtherPrime[];
}

interface FurtherPrime {
  readonly exponent: bigint;
  readonly coefficient: bigint;
  readonly product: bigint;
}

export interface RsaNumbers {
  readonly modulus: bigint;
  readonly exponent: bigint;
  readonly d: bigint;
  readonly primes: readonly [bigint, bigint, ...bigint[]];
  readonly dp: bigint | null;
  readonly dq: bigint | null;
  readonly qInverse: bigint | null;
}

/** Throws Malformed. */
export function checkedRsaKey(numbers: RsaNumbers): RsaPrivateKey {
  const { modulus, exponent, d, primes } = numbers;
  if (primes.length > 2) return manyPrimes(numbers);
  const [p, q] = primes;
  for (const factor of [modulus, p, q]) if (factor <= 1n) throw new MalformedX509("modulus must be > 1");
  if (d >= modulus) throw new MalformedX509(overflow(d, modulus));
  const { dp, dq, qInverse } = withComputed(numbers);
  const key = { kind: "rsa", modulus, exponent, d, primes, dp, dq, qInverse, further: [] } as const;
  checkPublic(key);
  checkPrimes(key, p, q);
  return key;
}

function overflow(value: bigint, modulus: bigint): string {
  const size = (number: bigint): number => Math.ceil(number.toString(16).length / 2);
  return size(value) > size(modulus) ? "input overflows the modulus size" : "input overflows the modulus";
}

function withComputed({ d, primes: [p, q], dp, dq, qInverse }: RsaNumbers): {
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qInverse: bigint;
} {
  if (dp !== null && dq !== null && qInverse !== null) {
    if (qInverse >= p) throw new MalformedX509(overflow(qInverse, p));
    return { dp, dq, qInverse };
  }
  for (const factor of [p, q]) if (factor <= 2n) throw new MalformedX509("modulus must be > 1");
  if (p % 2n === 0n) throw new MalformedX509("crypto/rsa: p is even");
  return { dp: d % (p - 1n), dq: d % (q - 1n), qInverse: inverse(q, p) ?? 0n };
}

function checkPublic({ modulus, exponent }: { readonly modulus: bigint; readonly exponent: bigint }): void {
  if (modulus % 2n === 0n) throw new MalformedX509("crypto/rsa: public modulus is even");
  if (exponent < 2n) throw new MalformedX509("crypto/rsa: public exponent too small or negative");
  if (exponent % 2n === 0n) throw new MalformedX509("crypto/rsa: public exponent is even");
  if (exponent >= 2n ** 31n) throw new MalformedX509("crypto/rsa: public exponent too large");
}

function checkPrimes({ modulus, exponent, d, dp, dq, qInverse }: RsaPrivateKey, p: bigint, q: bigint): void {
  const fail = (text: string): never => {
    throw new MalformedX509(`crypto/rsa: ${text}`);
  };
  if (p >= modulus || q >= modulus) fail("invalid prime");
  if ((p * q) % modulus !== 0n) fail("p * q != n");
  for (const [prime, part] of [
    [p, dp],
    [q, dq],
  ] as const) {
    if (prime <= 2n) fail("invalid prime");
    if (part >= prime - 1n || (part * exponent) % (prime - 1n) !== 1n) fail("invalid CRT exponent");
  }
  if ((q * qInverse) % p !== 1n) fail("invalid CRT coefficient");
  if (d % (p - 1n) !== dp) fail("d does not match dP");
  if (d % (q - 1n) !== dq) fail("d does not match dQ");
  if (p === q) fail("p == q");
  const half = Math.trunc(bitLength(modulus) / 2);
  if (bitLength(p > q ? p - q : q - p) <= half - 100) fail("|p - q| too small");
  if (bitLength(d) <= half) fail("d too small");
}

export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** Go checks these keys less. */
function manyPrimes({ modulus, exponent, d, primes }: RsaNumbers): RsaPrivateKey {
  if (modulus <= 1n) throw new MalformedX509("modulus must be > 1");
  if (d >= modulus) throw new MalformedX509(overflow(d, modulus));
  checkPublic({ modulus, exponent });
  if (primes.some((prime) => prime <= 1n)) throw new MalformedX509("crypto/rsa: prime factor is <= 1");
  const [p, q, ...others] = primes;
  const notPrime = "crypto/rsa: prime factors are not relatively prime";
  const inverseOf = (value: bigint, prime: bigint): bigint => {
    const found = inverse(value, prime);
    if (found === null) throw new MalformedX509(notPrime);
    return found;
  };
  const qInverse = inverseOf(q, p);
  const further: FurtherPrime[] = [];
  let product = p * q;
  for (const prime of others) {
    further.push({ exponent: modulo(d, prime - 1n), coefficient: inverseOf(product, prime), product });
    product *= prime;
  }
  return { kind: "rsa", modulus, exponent, d, primes, dp: d % (p - 1n), dq: d % (q - 1n), qInverse, further };
}
