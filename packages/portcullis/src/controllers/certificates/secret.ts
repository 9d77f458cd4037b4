// The Secret in which replicas share their certificates: `tls.crt` and `tls.key` are served, `ca.crt` is the bundle that clients
// trust, `ca.key` signs. Whoever reads it can impersonate the webhook, so that only we may (see the Role of our namespace).

import { X509Certificate, createPrivateKey } from "node:crypto";
import { isObject, valueAt } from "@portcullis/kube";
import type { ClusterObject, ObjectName } from "../../cluster/api.ts";
import { managedBy } from "../install/crds/crd.ts";
import type { SharedCertificates } from "./plan.ts";

export const secrets = { group: "", version: "v1", resource: "secrets" };

/** The Secret to write, over the one that is there. */
export function secretOf(name: ObjectName, shared: SharedCertificates, stored: ClusterObject | null): ClusterObject {
  const data = {
    "tls.crt": base64(shared.cert),
    "tls.key": base64(shared.key),
    "ca.crt": base64(shared.authorities.join("")),
    "ca.key": base64(shared.authorityKey),
  };
  if (stored !== null) return { ...stored, data: { ...(valueAt(stored, "data") as object), ...data } };
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { ...name, labels: managedBy },
    type: "Opaque",
    data,
  };
}

/** Null when something is missing, is no PEM, or does not belong together. */
export function sharedIn(secret: ClusterObject | null): SharedCertificates | null {
  const data = valueAt(secret, "data");
  if (!isObject(data)) return null;
  const text = (key: string): string => {
    const value = data[key];
    return typeof value === "string" ? Buffer.from(value, "base64").toString("utf8") : "";
  };
  const shared = {
    authorities: certificatesIn(text("ca.crt")),
    authorityKey: text("ca.key"),
    cert: text("tls.crt"),
    key: text("tls.key"),
  };
  return shared.authorities.length > 0 && isPair(shared) ? shared : null;
}

function certificatesIn(bundle: string): readonly string[] {
  return (bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => `${pem}\n`);
}

function isPair({ cert, key }: SharedCertificates): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
