// Regular expressions of schemas. They are Go's (RE2), so the engine that runs them is given by the caller.

/** A predicate (unanchored match), or why the pattern does not compile, in Go's words. */
export type PatternCompiler = (pattern: string) => ((text: string) => boolean) | { readonly error: string };
