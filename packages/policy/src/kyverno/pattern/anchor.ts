// Anchors: keys in parentheses with a mark before them. `(k)` is a condition, `=(k)` applies if the key is there, `^(k)`
// wants one element that matches, `X(k)` forbids the key, `<(k)` is a condition for the whole rule, `+(k)` adds what is
// absent (in mutations). Behaviour from Kyverno pkg/engine/anchor/anchor.go.

import { trimSpace } from "./govalue.ts";

type AnchorMark = "" | "=" | "^" | "X" | "<" | "+";

export interface Anchor {
  readonly mark: AnchorMark;
  /** The key without its anchor. */
  readonly key: string;
}

/** The anchor that a key is; null for a plain key. White space around it does not count. */
export function anchorOf(text: string): Anchor | null {
  // Nearly every key is plain; looking at its end is enough to see that.
  if (!text.includes(")")) return null;
  const match = /^([+<=X^]?)\((.+)\)$/.exec(trimSpace(text));
  return match === null ? null : { mark: match[1] as AnchorMark, key: match[2] as string };
}

/** The text of an anchor, without white space around it. */
export function anchorText({ mark, key }: Anchor): string {
  return `${mark}(${key})`;
}

/** `(k)` and `<(k)`. */
export function isConditional(anchor: Anchor | null): boolean {
  return anchor !== null && (anchor.mark === "" || anchor.mark === "<");
}
