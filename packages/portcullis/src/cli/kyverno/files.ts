// Files for the pure parts of Kyverno's command line, with the texts of Go's errors.

import { readFileSync, readdirSync } from "node:fs";
import { byCodePoints } from "@portcullis/kube";
import type { KyvernoFiles } from "@portcullis/policy";
import { goError } from "../load/goerrors.ts";

export const files: KyvernoFiles = {
  readFile: (path) => {
    try {
      return { text: readFileSync(path, "utf8") };
    } catch (error) {
      return { error: goError("open", path, error) };
    }
  },
  list: (path) => {
    try {
      return readdirSync(path, { withFileTypes: true })
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .toSorted((a, b) => byCodePoints(a.name, b.name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return null;
      throw new Error(goError("stat", path, error), { cause: error });
    }
  },
};
