// The wildcards of Kyverno and its JMESPath: `*` stands for any text, `?` for one character, nothing can be escaped. Matching walks both texts
// once and remembers only the last asterisk, so a pattern with many of them costs at most the product of the lengths;
// that product is charged to the budget, because requesters may write both sides.
// Behaviour from go-wildcard's Match, which Kyverno's ext/wildcard calls.

import type { Budget } from "../budget.ts";

const star = 0x2a;
const question = 0x3f;

/** Whether a text has a wildcard in it. Kyverno: ext/wildcard ContainsWildcard. */
export function containsWildcard(text: string): boolean {
  return text.includes("*") || text.includes("?");
}

/** Whether the pattern matches the whole text. Throws LimitError where a budget is given. */
export function matchesWildcard(pattern: string, text: string, budget?: Budget): boolean {
  if (pattern === "*") return true;
  if (!containsWildcard(pattern)) return pattern === text;
  return walk(pattern, text, budget);
}

/** How many turns may pass before they are charged. */
const turnsBetweenCharges = 4096;

function walk(pattern: string, text: string, budget: Budget | undefined): boolean {
  let p = 0;
  let t = 0;
  let starAt = -1;
  let resumeAt = 0;
  let turns = 0;
  let isLost = false;
  while (t < text.length && !isLost) {
    if (++turns === turnsBetweenCharges) {
      budget?.step(turns);
      turns = 0;
    }
    const wanted = p < pattern.length ? pattern.charCodeAt(p) : -1;
    if (wanted === star) {
      starAt = p++;
      resumeAt = t;
    } else if (wanted === question) {
      p++;
      t += widthAt(text, t);
    } else if (wanted === text.charCodeAt(t)) {
      p++;
      t++;
    } else if (starAt === -1) isLost = true;
    else {
      p = starAt + 1;
      resumeAt += widthAt(text, resumeAt);
      t = resumeAt;
    }
  }
  // Short texts are charged too: there may be millions of them.
  budget?.step(turns + 1);
  if (isLost) return false;
  while (pattern.charCodeAt(p) === star) p++;
  return p === pattern.length;
}

/** Code units of the character at a place: two for a surrogate pair. */
function widthAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code < 0xd800 || code > 0xdbff) return 1;
  const next = text.charCodeAt(at + 1);
  return next >= 0xdc00 && next <= 0xdfff ? 2 : 1;
}
