// Standard output in large pieces. A run over many objects prints tens of thousands of lines, or hundreds of megabytes of
// JSON in which the same objects stand again and again: text is gathered in one buffer, and bytes that were encoded
// once are only copied. Whoever writes much waits for `drained` now and then, so that a slow reader does not make the
// output pile up in memory. A reader that goes away ends the output, as it ends that of `yes | head`.

export interface Writer {
  write(part: string | Uint8Array): void;
  /** Null while the reader keeps up; else what to wait for. */
  readonly drained: Promise<void> | null;
  /** Hands over what is gathered; the last call. */
  end(): void;
}

/** What a writer needs of process.stdout. */
export interface Sink {
  write(bytes: Uint8Array): boolean;
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
  readonly destroyed: boolean;
}

const pieceBytes = 256 * 1024;

export function createWriter(sink: Sink): Writer {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let used = 0;
  let drained: Promise<void> | null = null;
  const send = (bytes: Uint8Array): void => {
    if (sink.destroyed || sink.write(bytes) || drained !== null) return;
    drained = untilDrained(sink, () => {
      drained = null;
    });
  };
  return {
    write: (part) => {
      // A UTF-16 unit takes at most three bytes.
      const most = typeof part === "string" ? part.length * 3 : part.length;
      if (used + most > piece.length) {
        if (used > 0) send(piece.subarray(0, used));
        // The sink may keep a piece until it is written, so each piece has memory of its own.
        piece = Buffer.allocUnsafe(Math.max(pieceBytes, most));
        used = 0;
      }
      if (typeof part === "string") used += piece.write(part, used);
      else {
        piece.set(part, used);
        used += part.length;
      }
    },
    get drained() {
      return drained;
    },
    end: () => {
      if (used > 0) send(piece.subarray(0, used));
      used = 0;
    },
  };
}

function untilDrained(sink: Sink, then: () => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      then();
      sink.off("drain", done);
      sink.off("close", done);
      resolve();
    };
    sink.once("drain", done);
    sink.once("close", done);
  });
}
