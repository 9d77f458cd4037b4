// What the system answers to a path that cannot be used, in words: Node's own messages name calls of the system.

/** Why a file or folder could not be read or written, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && reasons[code]) || (code ?? message);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EEXIST: "there is a file of that name",
  EISDIR: "this is a folder; expected a file",
  ELOOP: "links that lead in a circle",
  ENOENT: "no such file or folder",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is a file; expected a folder",
  EROFS: "the file system can only be read",
};
