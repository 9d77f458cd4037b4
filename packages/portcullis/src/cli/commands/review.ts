// `portcullis review FILE`: the AdmissionReview that an API server would send for an object, on standard output.

import { builtinCatalog } from "@portcullis/kube";
import { reviewOf } from "../../app/ask.ts";
import { loadObjects, nothingIn } from "../load/files.ts";
import { UsageError } from "../usage.ts";
import { requestOf } from "./decide.ts";

const operations = ["CREATE", "UPDATE", "DELETE"] as const;

export interface ReviewFlags {
  readonly paths: readonly string[];
  readonly operation: string;
}

export function review({ paths, operation }: ReviewFlags): number {
  const asked = operations.find((name) => name === operation.toUpperCase());
  if (asked === undefined) throw new UsageError(`--operation ${operation}: expected one of ${operations.join(", ")}`);
  const [first, ...more] = loadObjects(paths, { stdin: paths.length === 0 });
  if (first === undefined) throw nothingIn(paths);
  if (more.length > 0) {
    throw new UsageError(`${paths.join(", ")}: expected one object, found ${more.length + 1}; split the file`);
  }
  // Throws where nobody could be asked about it.
  requestOf(first);
  process.stdout.write(`${reviewOf(first.object, builtinCatalog(), asked)}\n`);
  return 0;
}
