// The order in which go-yaml writes keys: letters before other characters, and runs of digits by their number, so that
// `rule-2` comes before `rule-10`. go.yaml.in/yaml v3: sorter.go keyList.Less.

/** Negative when the first key comes first. */
export function naturalOrder(a: string, b: string): number {
  if (a === b) return 0;
  return isBefore(Array.from(a), Array.from(b)) ? -1 : 1;
}

function isBefore(a: readonly string[], b: readonly string[]): boolean {
  let digits = false;
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const x = a[at] ?? "";
    const y = b[at] ?? "";
    if (x === y) {
      digits = isDigit(x);
      continue;
    }
    const letters = [isLetter(x), isLetter(y)];
    if (letters[0] === true && letters[1] === true) return x < y;
    if (letters[0] === true || letters[1] === true) return digits ? letters[0] === true : letters[1] === true;
    return isBeforeInNumbers(a, b, at);
  }
  return a.length < b.length;
}

/** Neither character is a letter: numbers that begin or go on here are compared by their value. */
function isBeforeInNumbers(a: readonly string[], b: readonly string[], at: number): boolean {
  const x = numberFrom(a, b, at, a);
  const y = numberFrom(a, b, at, b);
  if (x.value !== y.value) return x.value < y.value;
  if (x.end !== y.end) return x.end < y.end;
  return (a[at] ?? "") < (b[at] ?? "");
}

function numberFrom(
  a: readonly string[],
  b: readonly string[],
  at: number,
  of: readonly string[],
): { readonly value: number; readonly end: number } {
  let value = 0;
  if (a[at] === "0" || b[at] === "0") {
    // A leading zero counts with the digits before it.
    for (let before = at - 1; before >= 0 && isDigit(a[before] ?? ""); before--) {
      if (a[before] !== "0") {
        value = 1;
        break;
      }
    }
  }
  let end = at;
  for (; end < of.length && isDigit(of[end] ?? ""); end++) value = value * 10 + Number(of[end]);
  return { value, end };
}

function isDigit(character: string): boolean {
  return /^\p{Nd}$/u.test(character);
}

function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character);
}
