// Go's time layouts: a text in which the parts of the reference time Mon Jan 2 15:04:05 MST 2006 stand for themselves.
// A layout is cut into chunks once: literal text, and elements named by what they stand for. Go: time/format.go nextStdChunk.

/** An element of a layout, named by its text in the reference time. */
export type LayoutElement =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "element"; readonly text: string; readonly name: ElementName }
  | { readonly kind: "fraction"; readonly text: string; readonly digits: number; readonly exact: boolean };

export type ElementName = (typeof elementNames)[number] | "Jan" | "Mon" | "1" | "2" | "_2";

/** Longest first where one begins with another. */
const elementNames = [
  "January",
  "Monday",
  "MST",
  "2006",
  "002",
  "01",
  "02",
  "03",
  "04",
  "05",
  "06",
  "15",
  "__2",
  "3",
  "4",
  "5",
  "PM",
  "pm",
  "-07:00:00",
  "-070000",
  "-07:00",
  "-0700",
  "-07",
  "Z07:00:00",
  "Z070000",
  "Z07:00",
  "Z0700",
  "Z07",
] as const;

/** Layouts that may be given by name. OPA: v1/topdown/time.go acceptedTimeFormats. */
export const namedLayouts: ReadonlyMap<string, string> = new Map([
  ["ANSIC", "Mon Jan _2 15:04:05 2006"],
  ["UnixDate", "Mon Jan _2 15:04:05 MST 2006"],
  ["RubyDate", "Mon Jan 02 15:04:05 -0700 2006"],
  ["RFC822", "02 Jan 06 15:04 MST"],
  ["RFC822Z", "02 Jan 06 15:04 -0700"],
  ["RFC850", "Monday, 02-Jan-06 15:04:05 MST"],
  ["RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"],
  ["RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"],
  ["RFC3339", "2006-01-02T15:04:05Z07:00"],
  ["RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"],
]);

/** The chunks of a layout, in order; two literals never follow each other. */
export function layoutElements(layout: string): readonly LayoutElement[] {
  const elements: LayoutElement[] = [];
  let literalStart = 0;
  let at = 0;
  const flush = (end: number): void => {
    if (end > literalStart) elements.push({ kind: "literal", text: layout.slice(literalStart, end) });
  };
  while (at < layout.length) {
    const found = elementAt(layout, at);
    if (found === null) {
      at++;
      continue;
    }
    // In `_2006` the underscore is text; it does not make the year a padded day.
    const start = found.text === "2006" && layout[at] === "_" ? at + 1 : at;
    flush(start);
    elements.push(found);
    at = start + found.text.length;
    literalStart = at;
  }
  flush(layout.length);
  return elements;
}

function elementAt(layout: string, at: number): LayoutElement | null {
  const first = layout[at];
  if (first === "." || first === ",") return fractionAt(layout, at);
  if (first === "_" && layout.startsWith("_2006", at)) return { kind: "element", text: "2006", name: "2006" };
  for (const name of elementNames) {
    if (layout.startsWith(name, at)) return { kind: "element", text: name, name };
  }
  if (first === "1" || first === "2") return { kind: "element", text: first, name: first };
  if (layout.startsWith("_2", at)) return { kind: "element", text: "_2", name: "_2" };
  // `Jan` and `Mon` do not begin a longer word: `Month` is text.
  const word = layout.slice(at, at + 3);
  if ((word === "Jan" || word === "Mon") && !/[a-z]/.test(layout[at + 3] ?? "")) {
    return { kind: "element", text: word, name: word };
  }
  return null;
}

/** `.000` or `.999` (or with a comma), not followed by another digit. */
function fractionAt(layout: string, at: number): LayoutElement | null {
  fraction.lastIndex = at;
  const match = fraction.exec(layout);
  if (match === null) return null;
  const digits = match[1] as string;
  return { kind: "fraction", text: match[0], digits: digits.length, exact: digits.startsWith("0") };
}

const fraction = /[.,](0+|9+)(?!\d)/y;
