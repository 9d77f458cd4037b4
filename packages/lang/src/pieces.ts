// A long text out of many short pieces. Adding to a string makes a rope with a node for every piece, ten times what the
// text itself takes where pieces are characters; here they are put together a thousand at a time.

const piecesMax = 1024;

export interface Pieces {
  add(piece: string): void;
  text(): string;
}

export function createPieces(): Pieces {
  const chunks: string[] = [];
  let pieces: string[] = [];
  return {
    add: (piece) => {
      pieces.push(piece);
      if (pieces.length < piecesMax) return;
      chunks.push(pieces.join(""));
      pieces = [];
    },
    text: () => chunks.join("") + pieces.join(""),
  };
}
