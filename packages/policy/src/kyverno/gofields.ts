// Which field of a Go type a JSON member is: the one of its name, or else one whose name differs in the case of letters
// alone. Behaviour of encoding/json.

/** One of `names` that `key` stands for though it is written otherwise. */
export function goFieldName(names: Iterable<string>, key: string): string | undefined {
  const wanted = foldedName(key);
  for (const name of names) if (foldedName(name) === wanted) return name;
  return undefined;
}

/** Names that are equal so are one to Go, for which `ſ` is an s, and the sign of the Kelvin a k. */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll("ſ", "s");
}
