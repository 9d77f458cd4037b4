// `x509_decode(pem)`: a certificate or a certificate request with an RSA key, as Go's JSON shows it.
// Kyverno: pkg/engine/jmespath/functions.go jpX509Decode.

import type { JmesFunction } from "../functions/function.ts";
import { libraryError } from "./failure.ts";
import { text } from "./signature.ts";
import { readCertificate } from "./x509/certificate.ts";
import { Malformed } from "./x509/malformed.ts";
import { decodePem } from "./x509/pem.ts";
import { readRequest } from "./x509/request.ts";

const decode: JmesFunction["evaluate"] = ({ budget }, source) => {
  budget.output((source as string).length * 4);
  const block = decodePem(source as string);
  if (block === null) return libraryError("failed to decode PEM block");
  try {
    if (block.type === "CERTIFICATE") return readCertificate(block.bytes);
    if (block.type === "CERTIFICATE REQUEST") return readRequest(block.bytes);
  } catch (error) {
    if (error instanceof Malformed) return libraryError(error.message);
    throw error;
  }
  return libraryError("PEM block neither contains a CERTIFICATE or CERTIFICATE REQUEST");
};

export const x509Functions: readonly JmesFunction[] = [{ name: "x509_decode", parameters: [text], evaluate: decode }];
