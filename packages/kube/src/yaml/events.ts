// A text as events, as js-yaml finds them, with what libyaml takes and js-yaml does not: a flow collection may be closed
// at its parent's indentation. Such a line is joined to the one before it, and the text parsed again; how much may be
// parsed that way is bounded, because each mistake of a hostile text costs a parse.

import { type Event, YAMLException, parseEvents } from "js-yaml";

/** Deeper nesting is refused; Kubernetes objects have a dozen levels. */
const maxDepth = 1000;

/** Characters that may be parsed again for lines that have to be joined. */
const repairedMax = 32 * 1024 * 1024;

export interface Parsed {
  readonly events: readonly Event[];
  /** The text, in which line ends may have become spaces. */
  readonly text: string;
}

/** How often a text says that a value begins: before nearly each stands a comma or a bracket, or `: ` or `- `. */
export function countIndicators(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === comma || unit === bracket || unit === brace) count++;
    else if ((unit === colon || unit === dash || unit === questionMark) && text.charCodeAt(at + 1) <= blank) count++;
  }
  return count;
}

const [comma, bracket, brace, colon, dash, questionMark, blank] = [0x2c, 0x5b, 0x7b, 0x3a, 0x2d, 0x3f, 0x20] as const;

/** Throws YAMLException. */
export function eventsOf(original: string): Parsed {
  let text = original;
  for (let repairs = 0; ; repairs++) {
    try {
      return { events: parseEvents(text, { maxDepth }), text };
    } catch (error) {
      const joined =
        error instanceof YAMLException && repairs < 200 && repairs * text.length < repairedMax
          ? joinLine(text, error)
          : null;
      if (joined === null) throw error;
      text = joined;
    }
  }
}

/** Joins the line at which an indentation is deficient to the line before it, without moving any offset. */
function joinLine(text: string, error: YAMLException): string | null {
  const at = positionOf(error);
  if (error.reason !== "deficient indentation" || at === null) return null;
  const newline = text.lastIndexOf("\n", at - 1);
  if (newline === -1 || !/^[ \t]*$/.test(text.slice(newline + 1, at))) return null;
  const lineStart = text.lastIndexOf("\n", newline - 1) + 1;
  const line = withoutComment(text.slice(lineStart, newline));
  return line === null ? null : `${text.slice(0, lineStart)}${line} ${text.slice(newline + 1)}`;
}

/** The line with its comment blanked out; null where quotes make it unsure what is a comment. */
function withoutComment(line: string): string | null {
  const at = line.search(/(?<=^|\s)#/);
  if (at === -1) return line;
  const quotes = line.slice(0, at).match(/["']/g)?.length ?? 0;
  return quotes % 2 === 0 ? line.slice(0, at).padEnd(line.length) : null;
}

/** Where an error is, as an offset. */
export function positionOf(error: YAMLException): number | null {
  return (error.mark as { readonly position?: number } | undefined)?.position ?? null;
}
