import type { Issue } from "../issue.ts";
import type { Token } from "./token.ts";
export function diagnose(
  text: string,
  tokens: readonly Token[],
  placeOf: (offset: number) => number,
): readonly Issue[] {
  return [{ place: placeOf(tokens.at(-1)?.start ?? text.length), message: "Syntax error" }];
}
