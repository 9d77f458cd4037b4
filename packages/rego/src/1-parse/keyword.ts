// Which words are keywords. That is a set per parser, since imports add to it while a module is read; the rest of this
// file are the fixed lists that OPA keeps (v1/ast/policy.go KeywordsV0/V1, v1/ast/parser.go futureKeywords).

import type { RegoVersion } from "../ast.ts";
import type { Keyword, TokenKind } from "./lexer.ts";

export type Keywords = ReadonlyMap<string, Keyword>;

const base: Keywords = new Map(
  (
    ["package", "import", "as", "default", "else", "not", "some", "with", "null", "true", "false"] satisfies Keyword[]
  ).map((word) => [word, word]),
);

/** Keywords that a v0 module imports and that v1 has from the start. */
export const firstFuture: Keywords = new Map<string, Keyword>([
  ["in", "in"],
  ["every", "every"],
  ["contains", "contains"],
  ["if", "if"],
]);

/** Keywords that v1 imports too and that rego.v2 brings. */
export const secondFuture: Keywords = new Map<string, Keyword>([
  ["not", "not"],
  ["and", "logical-and"],
  ["or", "logical-or"],
]);

export const allFuture: Keywords = new Map([...firstFuture, ...secondFuture]);

/** The keywords with which a text of a version begins. */
export function initialKeywords(version: RegoVersion): Keywords {
  return version === "v1" ? new Map([...base, ...firstFuture]) : base;
}

/** `every` brings `in` along. */
export function withKeywords(keywords: Keywords, more: Keywords): Keywords {
  const all = new Map([...keywords, ...more]);
  if (more.has("every")) all.set("in", "in");
  return all;
}

/** Without any keyword of the future, `not` included, which an import of `future.keywords.not` needs. */
export function presentKeywords(keywords: Keywords): Keywords {
  return new Map([...keywords].filter(([word]) => !allFuture.has(word)));
}

/** Words that are part of a version by themselves. OPA: IsKeywordInRegoVersion. */
export function isKeywordOf(version: RegoVersion, word: string): boolean {
  return base.has(word) || (version === "v1" && firstFuture.has(word));
}

const keywordKinds: ReadonlySet<TokenKind> = new Set<TokenKind>([...base.values(), ...allFuture.values()]);

/** Whether messages call the token a keyword. */
export function isKeywordKind(kind: TokenKind): kind is Keyword {
  return keywordKinds.has(kind);
}

/** The token as messages name it. */
export function kindText(kind: TokenKind): string {
  return kind === "logical-and" ? "and" : kind === "logical-or" ? "or" : kind;
}
