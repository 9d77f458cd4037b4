// Regular expressions of schemas and suites, which are Go's.

import { compileRegex } from "@portcullis/lang/go";

/** A predicate (unanchored match), or why the pattern does not compile, in Go's words. */
export function schemaPattern(pattern: string): ((text: string) => boolean) | { readonly error: string } {
  const compiled = compileRegex(pattern);
  if ("error" in compiled) return compiled;
  const { regex } = compiled;
  return (text) => regex.test(text);
}
