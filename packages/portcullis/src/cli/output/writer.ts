// Standard output in large pieces. A run over many objects prints tens of thousands of lines, or hundreds of megabytes of
// JSON in which the same objects stand again and again: text is gathered in one buffer, and bytes that were encoded
// once are only copied. Nothing else of the output is in memory.

export interface Writer {
  write(part: string | Uint8Array): void;
  /** Hands over what is gathered; the last call. */
  end(): void;
}

const pieceBytes = 256 * 1024;

export function createWriter(stream: { write(bytes: Uint8Array): unknown }): Writer {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let used = 0;
  // The stream may keep a piece until it is written, so each piece has memory of its own.
  const flush = (): void => {
    if (used > 0) stream.write(piece.subarray(0, used));
    piece = Buffer.allocUnsafe(pieceBytes);
    used = 0;
  };
  return {
    write: (part) => {
      // A UTF-16 unit takes at most three bytes.
      const most = typeof part === "string" ? part.length * 3 : part.length;
      if (used + most > piece.length) flush();
      if (most > piece.length) stream.write(typeof part === "string" ? Buffer.from(part) : part);
      else if (typeof part === "string") used += piece.write(part, used);
      else {
        piece.set(part, used);
        used += part.length;
      }
    },
    end: () => {
      if (used > 0) stream.write(piece.subarray(0, used));
    },
  };
}
