// Gatekeeper's globs: an asterisk counts only as the first or last character. `kube-*` is a prefix, `*-system` a
// suffix, `*sys*` a substring, anything else is compared as it stands.
// Behaviour from Gatekeeper pkg/wildcard/wildcard.go.

export type WildcardMatcher = (candidate: string) => boolean;

/** Compiles a glob for names. */
export function compileWildcard(glob: string): WildcardMatcher {
  const inner = stripStars(glob);
  if (glob.startsWith("*") && glob.endsWith("*")) return (candidate) => candidate.includes(inner);
  if (glob.startsWith("*")) return (candidate) => candidate.endsWith(inner);
  if (glob.endsWith("*")) return (candidate) => candidate.startsWith(inner);
  return (candidate) => candidate === glob;
}

/** Compiles a glob for `metadata.generateName`: only globs with an open end can match what will get a suffix. */
export function compileGenerateNameWildcard(glob: string): WildcardMatcher {
  return glob.endsWith("*") ? compileWildcard(glob) : () => false;
}

/** One asterisk less at either end; a lone `*` is both. */
function stripStars(glob: string): string {
  const front = glob.startsWith("*") ? glob.slice(1) : glob;
  return front.endsWith("*") ? front.slice(0, -1) : front;
}
