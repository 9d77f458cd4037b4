// Regular expressions of schemas. They are Go's (RE2), unanchored.

import { compileRegex } from "@portcullis/lang/go";

/** A predicate (unanchored match), or why the pattern does not compile, in Go's words. */
export type PatternCompiler = (pattern: string) => ((text: string) => boolean) | { readonly error: string };

/** RE2 patterns, in linear time. */
export const re2Patterns: PatternCompiler = (pattern) => {
  const compiled = compileRegex(pattern);
  if ("error" in compiled) return compiled;
  const { regex } = compiled;
  return (text) => regex.test(text);
};
