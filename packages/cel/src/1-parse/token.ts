// The kinds of tokens. The numbers are those of the grammar of cel-go, since messages list what was expected in their order.
// cel-go: parser/gen/CEL.g4.

export const token = {
  end: -1,
  /** Stands in for an expression that is not there. */
  missing: 0,
  equals: 1,
  notEquals: 2,
  in: 3,
  less: 4,
  lessEquals: 5,
  greaterEquals: 6,
  greater: 7,
  and: 8,
  or: 9,
  openBracket: 10,
  closeBracket: 11,
  openBrace: 12,
  closeBrace: 13,
  openParenthesis: 14,
  closeParenthesis: 15,
  dot: 16,
  comma: 17,
  minus: 18,
  not: 19,
  question: 20,
  colon: 21,
  plus: 22,
  star: 23,
  slash: 24,
  percent: 25,
  true: 26,
  false: 27,
  null: 28,
  double: 31,
  int: 32,
  uint: 33,
  string: 34,
  bytes: 35,
  identifier: 36,
  escapedIdentifier: 37,
} as const;

export type TokenKind = (typeof token)[keyof typeof token];

export interface Token {
  readonly kind: TokenKind;
  /** UTF-16 units from the start of the text. */
  readonly start: number;
  readonly end: number;
  /** It is not in the text, but would be if the rule that it belongs to had not ended in the middle. */
  readonly completes?: true;
}

/** What messages call a kind of token: `'=='`, `IDENTIFIER`. */
export const tokenNames: Readonly<Record<TokenKind, string>> = {
  [-1]: "<EOF>",
  0: "<missing>",
  1: "'=='",
  2: "'!='",
  3: "'in'",
  4: "'<'",
  5: "'<='",
  6: "'>='",
  7: "'>'",
  8: "'&&'",
  9: "'||'",
  10: "'['",
  11: "']'",
  12: "'{'",
  13: "'}'",
  14: "'('",
  15: "')'",
  16: "'.'",
  17: "','",
  18: "'-'",
  19: "'!'",
  20: "'?'",
  21: "':'",
  22: "'+'",
  23: "'*'",
  24: "'/'",
  25: "'%'",
  26: "'true'",
  27: "'false'",
  28: "'null'",
  31: "NUM_FLOAT",
  32: "NUM_INT",
  33: "NUM_UINT",
  34: "STRING",
  35: "BYTES",
  36: "IDENTIFIER",
  37: "ESC_IDENTIFIER",
};
