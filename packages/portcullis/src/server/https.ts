// The HTTPS server: Node's own, with limits against slow and many clients, a certificate that can be exchanged under
// running connections, and an end that lets requests finish. Admission requests are served on Node's request and response
// themselves; every other path goes through hono.

import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { keepRoom } from "./crowd.ts";
import type { ServerLimits } from "./limits.ts";

export interface KeyPair {
  /** PEM; the leaf first, then intermediates. */
  readonly cert: string;
  readonly key: string;
}

export interface HttpsOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly pair: KeyPair;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Clients must show a certificate of this CA (PEM) with this common name, as Gatekeeper's `--client-ca-name`. */
  readonly clients?: { readonly ca: string; readonly commonName: string };
  readonly limits: ServerLimits;
  readonly handle: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
}

export interface HttpsServer {
  readonly port: number;
  /** New connections get the new certificate, those that are open go on. Throws when the pair does not fit together. */
  rotate(pair: KeyPair): void;
  /** Takes no new connection, lets requests finish, and cuts what is left after `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/** From this part of all connections on, quiet ones make room. */
const crowded = 15 / 16;

/** Starts to listen. Rejects with Node's error (EADDRINUSE, EACCES …) when it cannot. */
export async function startHttps(options: HttpsOptions): Promise<HttpsServer> {
  const { limits, clients } = options;
  const server = createServer(
    {
      ...secureContext(options, options.pair),
      ...(clients !== undefined && { requestCert: true, rejectUnauthorized: true }),
      handshakeTimeout: limits.headersMs,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: 500,
    },
    (incoming, outgoing) => {
      crowd.serves(incoming, outgoing);
      if (clients !== undefined && !isNamed(incoming, clients.commonName)) {
        outgoing.writeHead(403).end(`the client's certificate is not that of ${clients.commonName}\n`);
        return;
      }
      if (closing) outgoing.setHeader("connection", "close");
      options.handle(incoming, outgoing);
    },
  );
  let closing = false;
  server.maxConnections = limits.connections;
  const crowd = keepRoom(server, Math.floor(limits.connections * crowded));
  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    rotate: (pair) => {
      server.setSecureContext(secureContext(options, pair));
    },
    close: (limitMs) => {
      closing = true;
      return closeServer(server, limitMs);
    },
  };
}

/** `setSecureContext` forgets what it is not given again, so everything is given each time. */
function secureContext(options: HttpsOptions, pair: KeyPair) {
  const { minVersion, clients } = options;
  return { key: pair.key, cert: pair.cert, minVersion, ...(clients !== undefined && { ca: clients.ca }) };
}

function isNamed(incoming: IncomingMessage, commonName: string): boolean {
  const subject = (incoming.socket as TLSSocket).getPeerCertificate().subject as { CN?: string } | undefined;
  return subject?.CN === commonName;
}

/** Resolves once the server listens; rejects with Node's error when it cannot. */
export function listen(server: AnyServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      resolve();
    });
  });
}

/** An HTTP or HTTPS server. */
interface AnyServer {
  once(event: "error", listener: (error: Error) => void): unknown;
  listen(port: number, host: string, listener: () => void): unknown;
  close(listener: () => void): unknown;
  closeAllConnections(): void;
  closeIdleConnections(): void;
}

/** Takes no new connection, lets requests finish, and cuts what is left after `limitMs`. */
export function closeServer(server: AnyServer, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      server.closeAllConnections();
    }, limitMs);
    // A kept connection becomes idle when its last request has been answered.
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, 20);
    server.close(() => {
      clearTimeout(limit);
      clearInterval(idle);
      resolve();
    });
  });
}
