// Where a text stands in another, in time that grows with the sum of their lengths. JavaScript's own search is fast, but
// takes the product of the lengths where both repeat themselves (`aaaaaaaa` and `aaabaaa`): 40 seconds for a megabyte.
// So it is used while the product is small; beyond that, Knuth, Morris and Pratt's automaton reads each unit once.

export interface Search {
  /** The first place at or behind `from`, -1 when there is none. Calls ask for places further and further on. */
  next(from: number): number;
}

/** About ten milliseconds of JavaScript's search at its worst. */
const nativeMax = 30_000_000;

/** How many units are read between two calls of `step`. */
const stride = 4096;

/** Searches a text for a part that is not empty. `step` is told how much was read, and may throw to end the search. */
export function searchFor(part: string, text: string, step: (units: number) => void): Search {
  if (text.length * part.length <= nativeMax) return { next: (from) => text.indexOf(part, from) };
  const borders = bordersOf(part, step);
  /** Behind the last unit that was read, and how much of the part ends there. */
  let at = 0;
  let matched = 0;
  return {
    next: (from) => {
      // What was matched so far began before `from`, so that some of it does not count any more.
      while (matched > 0 && at - matched < from) matched = borders[matched - 1] as number;
      if (matched === 0 && at < from) at = from;
      while (at < text.length) {
        if (at % stride === 0) step(stride);
        const unit = text.charCodeAt(at);
        while (matched > 0 && part.charCodeAt(matched) !== unit) matched = borders[matched - 1] as number;
        if (part.charCodeAt(matched) === unit) matched++;
        at++;
        if (matched === part.length) return at - matched;
      }
      return -1;
    },
  };
}

/** For each prefix of the part the length of its longest proper prefix that is a suffix of it as well. */
function bordersOf(part: string, step: (units: number) => void): Int32Array {
  const borders = new Int32Array(part.length);
  let length = 0;
  for (let at = 1; at < part.length; at++) {
    if (at % stride === 0) step(stride);
    const unit = part.charCodeAt(at);
    while (length > 0 && part.charCodeAt(length) !== unit) length = borders[length - 1] as number;
    if (part.charCodeAt(length) === unit) length++;
    borders[at] = length;
  }
  return borders;
}
