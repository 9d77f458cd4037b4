// Room for those who come. When nearly all connections that the server may hold are open, a new one takes the place of the one on which
// for longest no request has begun or ended, so that clients who hold connections and send nothing cannot keep others out.
// A client that finds its idle connection closed opens another one (Go's does so by itself). Connections whose request is being
// answered stay; when there are no others, the server's limit holds.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface Crowd {
  /** The headers of a request are here. */
  serves(incoming: IncomingMessage, outgoing: ServerResponse): void;
}

interface Listening {
  on(event: "connection", listener: (socket: Socket) => void): unknown;
}

/** `most`: how many connections may be open before one has to go for the next. */
export function keepRoom(server: Listening, most: number): Crowd {
  /** Those without a whole request, the one that is quiet for longest first. */
  const quiet = new Map<string, Socket>();
  const open = new Map<string, Socket>();
  server.on("connection", (socket) => {
    const key = keyOf(socket);
    if (open.size >= most) quiet.values().next().value?.destroy();
    open.set(key, socket);
    quiet.set(key, socket);
    socket.once("close", () => {
      if (open.get(key) !== socket) return;
      open.delete(key);
      quiet.delete(key);
    });
  });
  return {
    serves: (incoming, outgoing) => {
      // The socket of TLS lies over the one that was opened; both have the same peer.
      const key = keyOf(incoming.socket);
      const moved = (): void => {
        const there = open.get(key);
        quiet.delete(key);
        if (there !== undefined) quiet.set(key, there);
      };
      moved();
      // Whoever sends a body slowly is quiet until all of it is there.
      incoming.once("end", () => quiet.delete(key));
      outgoing.once("close", moved);
    },
  };
}

function keyOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
