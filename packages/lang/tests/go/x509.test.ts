// Public keys computed from private ones are those that Node's own cryptography has, and a URL is written again as it was
// read. Certificates themselves are held to recorded answers of OPA and Kyverno, where their functions are tested.

import assert from "node:assert/strict";
import { type KeyObject, createHash, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  bytesOfInteger,
  curves,
  ed25519PublicKey,
  integerOfBytes,
  inverse,
  modulo,
  publicPoint,
  urlParts,
  x25519PublicKey,
} from "@portcullis/lang/go";

function bytesIn(key: KeyObject, name: "d" | "x" | "y"): Uint8Array {
  return Buffer.from(key.export({ format: "jwk" })[name] ?? "", "base64url");
}

for (const curve of curves.filter(({ name }) => name !== "P-224")) {
  test(`the public key of a private one on ${curve.name}`, () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: curve.name });
    const point = publicPoint(integerOfBytes(bytesIn(privateKey, "d")), curve);
    assert.deepEqual(point, {
      x: integerOfBytes(bytesIn(privateKey, "x")),
      y: integerOfBytes(bytesIn(privateKey, "y")),
    });
    assert.equal(publicPoint(curve.n, curve), null);
    assert.deepEqual(publicPoint(curve.n + 1n, curve), curve.base);
  });
}

test("the public key of a private one on P-224", () => {
  const curve = curves.find(({ name }) => name === "P-224");
  assert.ok(curve !== undefined);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
  const der = privateKey.export({ format: "der", type: "sec1" });
  // The private key stands behind the headers of the sequence, the version and itself; the point is at the end.
  const point = publicPoint(integerOfBytes(der.subarray(7, 35)), curve);
  assert.equal(point?.x, integerOfBytes(der.subarray(-56, -28)));
  assert.equal(point?.y, integerOfBytes(der.subarray(-28)));
});

test("the public keys of Ed25519 and X25519", () => {
  const ed25519 = generateKeyPairSync("ed25519").privateKey;
  const digest = createHash("sha512").update(bytesIn(ed25519, "d")).digest();
  assert.deepEqual(Buffer.from(ed25519PublicKey(digest)), bytesIn(ed25519, "x"));
  const x25519 = generateKeyPairSync("x25519").privateKey;
  assert.deepEqual(Buffer.from(x25519PublicKey(bytesIn(x25519, "d"))), bytesIn(x25519, "x"));
});

test("a number times its inverse is one, where there is one", () => {
  const numbers = fc.bigInt({ min: 1n, max: 2n ** 200n });
  fc.assert(
    fc.property(numbers, numbers, (value, base) => {
      const modulus = base + 1n;
      const found = inverse(value, modulus);
      if (found !== null) assert.equal(modulo(value * found, modulus), 1n);
      assert.equal(integerOfBytes(bytesOfInteger(value, 26)), value);
    }),
  );
});

test("a URL is written as it was read", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["https://u:p%21@example.org:8080/a%20b/c!d?q=1#f", "https://u:p%21@example.org:8080/a%20b/c!d?q=1#f"],
    ["HTTP://a.b/x y?z#f g", "http://a.b/x%20y?z#f%20g"],
    ["mailto:a@b", "mailto:a@b"],
    ["a/b:c", "a/b:c"],
    ["//h/p?", "//h/p?"],
    ["/p#", "/p"],
  ];
  for (const [text, wanted] of texts) {
    const url = urlParts(text);
    assert.ok("text" in url, text);
    assert.equal(url.text, wanted);
    const again = urlParts(url.text);
    assert.ok("text" in again && again.text === url.text, text);
  }
});
