// Signatures for policies (io.jwt.*) from node:crypto, by their JOSE names.

import type { SignatureKey, Signatures } from "@portcullis/lang";
import type * as crypto from "node:crypto";

export type Crypto = typeof crypto;

/** Loading it takes as long as compiling a policy, and few policies need it. */
export function nodeCrypto(): Crypto {
  return process.getBuiltinModule("node:crypto");
}

export const nodeSignatures: Signatures = {
  publicKey: (source) => {
    try {
      return keyOf("pem" in source ? pemKey(source.pem) : jwkKey(source.jwk));
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  },
  verify: (algorithm, key, bytes, signature) => {
    const options = optionsFor(algorithm, key.handle as crypto.KeyObject);
    if (options === null) return false;
    try {
      return nodeCrypto().verify(options.digest, bytes, options.key, signature);
    } catch {
      return false;
    }
  },
  sign: (algorithm, jwk, bytes) => {
    try {
      const options = optionsFor(
        algorithm,
        nodeCrypto().createPrivateKey({ key: jwk as crypto.JsonWebKey, format: "jwk" }),
      );
      if (options === null) return { error: `the key does not serve ${algorithm}` };
      return nodeCrypto().sign(options.digest, bytes, options.key);
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  },
};

function pemKey(pem: string): crypto.KeyObject {
  const { X509Certificate, createPublicKey } = nodeCrypto();
  return pem.includes("-----BEGIN CERTIFICATE-----") ? new X509Certificate(pem).publicKey : createPublicKey(pem);
}

function jwkKey(jwk: unknown): crypto.KeyObject {
  return nodeCrypto().createPublicKey({ key: jwk as crypto.JsonWebKey, format: "jwk" });
}

function keyOf(handle: crypto.KeyObject): SignatureKey {
  const type = handle.asymmetricKeyType;
  const kind = type === "rsa" || type === "ec" || type === "ed25519" ? type : "other";
  return { kind, handle };
}

type SignOptions = { readonly digest: string | null; readonly key: crypto.SignKeyObjectInput };

/** How node:crypto wants an algorithm; null when the key is of another kind. */
function optionsFor(algorithm: string, key: crypto.KeyObject): SignOptions | null {
  const { constants } = nodeCrypto();
  const [, family, size] = /^(RS|PS|ES)(256|384|512)$/.exec(algorithm) ?? [];
  const type = key.asymmetricKeyType;
  if (algorithm === "EdDSA" && type === "ed25519") return { digest: null, key: { key } };
  const digest = `sha${size}`;
  if (family === "ES" && type === "ec") return { digest, key: { key, dsaEncoding: "ieee-p1363" } };
  if (family === "RS" && type === "rsa") return { digest, key: { key, padding: constants.RSA_PKCS1_PADDING } };
  if (family !== "PS" || type !== "rsa") return null;
  const saltLength = constants.RSA_PSS_SALTLEN_AUTO;
  return { digest, key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } };
}
