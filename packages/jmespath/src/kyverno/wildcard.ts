// Kyverno's wildcards: `*` stands for any text, `?` for one character, nothing can be escaped. Matching walks both texts
// once and remembers only the last asterisk, so that a pattern with many of them costs at most the product of the lengths;
// that product is charged. Kyverno: ext/wildcard (go-wildcard's Match).

import type { Budget } from "@portcullis/lang";

/** Whether the pattern matches the whole text. Throws LimitError. */
export function matchWildcard(pattern: string, text: string, budget: Budget): boolean {
  let [p, t, starAt, resumeAt] = [0, 0, -1, 0];
  while (t < text.length) {
    budget.step();
    const wanted = pattern.charAt(p);
    if (wanted === "*") {
      starAt = p++;
      resumeAt = t;
    } else if (wanted === "?") {
      p++;
      t += widthAt(text, t);
    } else if (wanted === text.charAt(t)) {
      p++;
      t++;
    } else if (starAt === -1) return false;
    else {
      p = starAt + 1;
      resumeAt += widthAt(text, resumeAt);
      t = resumeAt;
    }
  }
  while (pattern.charAt(p) === "*") p++;
  return p === pattern.length;
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
