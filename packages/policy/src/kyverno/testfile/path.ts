// Paths as Go's path/filepath cleans and joins them.

/** The shortest path that means the same; `.` for nothing. */
export function cleanPath(path: string): string {
  if (path !== "" && !unclean.test(path)) return path;
  const absolute = path.startsWith("/");
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") steps.push(step);
    else if (steps.length > 0 && steps.at(-1) !== "..") steps.pop();
    else if (!absolute) steps.push("..");
  }
  const joined = steps.join("/");
  return absolute ? `/${joined}` : joined === "" ? "." : joined;
}

/** Steps that are empty, `.` or `..`, or a slash at the end. */
const unclean = /\/\/|(?:^|\/)\.\.?(?:\/|$)|.\/$/;

export function joinPaths(...parts: readonly string[]): string {
  const given = parts.filter((part) => part !== "");
  return given.length === 0 ? "" : cleanPath(given.join("/"));
}

/** A path as seen from a folder; an absolute one stays. */
export function pathFrom(folder: string, path: string): string {
  return path.startsWith("/") ? path : joinPaths(folder, path);
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : cleanPath(path.slice(0, slash + 1));
}

export function baseName(path: string): string {
  const clean = cleanPath(path);
  return clean.slice(clean.lastIndexOf("/") + 1);
}
