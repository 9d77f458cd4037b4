// Why a file cannot be opened, read or written, in the words of Go's os package, which people know from the peers.

/** `open x: no such file or directory`, of reading. */
export function goError(call: string, path: string, error: unknown): string {
  // A folder can be opened; reading it is what fails.
  return goWriteError(codeOf(error) === "EISDIR" ? "read" : call, path, error);
}

/** The same of writing, where opening is what fails. */
export function goWriteError(call: string, path: string, error: unknown): string {
  const code = codeOf(error);
  return `${call} ${path}: ${code === undefined ? String(error) : (reasons[code] ?? code)}`;
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
};
