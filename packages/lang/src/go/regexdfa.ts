export function matcherOf(pattern: string): ((text: string) => boolean | undefined) | null {
  return pattern === "" ? () => true : null;
}
