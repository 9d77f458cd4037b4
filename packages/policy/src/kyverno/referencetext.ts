// Where references `$(./../key)` stand in a text. Kyverno looks for them by expressions in which one reference may begin within
// another (`^\$\([^\n][^ ]*\)|[^\\]\$\([^\n][^ ]*\)`, and `\\\$\([^\n][^ )]*\)` for those that are escaped); Go's engine takes
// linear time for them, V8's the square of it. So the text is walked once: where a reference would end is the same for all
// that begin before that.
// Kyverno: pkg/engine/variables/regex/vars.go.

/**
 * Each reference with the character before it, unless the text begins with it. It ends at the last bracket before a
 * blank, so that `$(a)$(b)` is one.
 */
export function referencesIn(text: string): readonly string[] {
  const found: string[] = [];
  let done = 0;
  let blank = -1;
  let close = -1;
  for (let at = text.indexOf("$("); at !== -1; at = text.indexOf("$(", Math.max(at + 1, done))) {
    const start = at === 0 ? 0 : before(text, at);
    const inside = afterFirst(text, at + 2);
    if (start < done || (at !== 0 && text[start] === "\\") || inside === null) continue;
    if (blank < inside) {
      const next = text.indexOf(" ", inside);
      blank = next === -1 ? text.length : next;
      close = inside + text.slice(inside, blank).lastIndexOf(")");
    }
    if (close < inside || text[close] !== ")") continue;
    done = close + 1;
    found.push(text.slice(start, done));
  }
  return found;
}

/** The text with escaped references (`\$(…)`) as they are meant. Such a one ends at its first bracket. */
export function withoutEscapes(text: string): string {
  const ending = /[ )]/g;
  let result = "";
  let done = 0;
  let end = -1;
  for (let at = text.indexOf("\\$("); at !== -1; at = text.indexOf("\\$(", Math.max(at + 1, done))) {
    const inside = afterFirst(text, at + 3);
    if (inside === null) continue;
    if (end < inside) {
      ending.lastIndex = inside;
      end = ending.exec(text)?.index ?? text.length;
    }
    if (text[end] !== ")") continue;
    result += text.slice(done, at) + text.slice(at + 1, end + 1);
    done = end + 1;
  }
  return result + text.slice(done);
}

/** Where the code point before a position begins. */
function before(text: string, at: number): number {
  return at > 1 && (text.codePointAt(at - 2) ?? 0) > 0xffff ? at - 2 : at - 1;
}

/** Behind the code point at a position; null where there is none or it ends the line. */
function afterFirst(text: string, at: number): number | null {
  const point = text.codePointAt(at);
  return point === undefined || point === 0x0a ? null : at + (point > 0xffff ? 2 : 1);
}
