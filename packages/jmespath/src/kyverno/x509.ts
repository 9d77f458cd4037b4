// `x509_decode(pem)`: a certificate or a certificate request with an RSA key, as Go's JSON shows it.
// Kyverno: pkg/engine/jmespath/functions.go jpX509Decode.

import { Decimal } from "@portcullis/lang";
import {
  MalformedX509,
  type PublicKey,
  type X509Json,
  decodePem,
  readCertificate,
  readCertificateRequest,
} from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { libraryError } from "./failure.ts";
import { text } from "./signature.ts";

const decode: JmesFunction["evaluate"] = ({ budget }, source) => {
  budget.output((source as string).length * 4);
  const block = decodePem(source as string);
  if (block === null) return libraryError("failed to decode PEM block");
  try {
    if (block.type === "CERTIFICATE") return withRsaKey(readCertificate(block.bytes));
    if (block.type === "CERTIFICATE REQUEST") return withRsaKey(readCertificateRequest(block.bytes));
  } catch (error) {
    if (error instanceof MalformedX509) return libraryError(error.message);
    throw error;
  }
  return libraryError("PEM block neither contains a CERTIFICATE or CERTIFICATE REQUEST");
};

interface Decoded {
  readonly publicKey: PublicKey | null;
  readonly json: X509Json;
}

/** Kyverno takes only RSA, reads the key once more with a reader of its own, and shows the modulus as a text. */
function withRsaKey({ publicKey, json }: Decoded): ReturnType<JmesFunction["evaluate"]> {
  if (publicKey?.kind !== "rsa") return libraryError("certificate should use rsa algorithm");
  const { modulus, exponent, hasMore } = publicKey;
  if (exponent >= 2n ** 31n || hasMore) return libraryError("failed to parse subject public key info");
  const { SerialNumber: serial = null } = json;
  const shown = { ...json, PublicKey: { N: String(modulus), E: Number(exponent) } };
  // Its numbers are doubles.
  return serial instanceof Decimal ? { ...shown, SerialNumber: Number(serial.text) } : shown;
}

export const x509Functions: readonly JmesFunction[] = [{ name: "x509_decode", parameters: [text], evaluate: decode }];
