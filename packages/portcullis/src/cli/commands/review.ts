// `portcullis review FILE`: the AdmissionReview that an API server would send for an object, on standard output.

import { builtinCatalog } from "@portcullis/kube";
import { reviewOf } from "../../app/ask.ts";
import { loadObjects } from "../load/files.ts";
import { UsageError } from "../usage.ts";
import { requestOf } from "./decide.ts";

const operations = ["CREATE", "UPDATE", "DELETE"] as const;

export function review({ file, operation }: { readonly file: string; readonly operation: string }): number {
  const asked = operations.find((name) => name === operation.toUpperCase());
  if (asked === undefined) throw new UsageError(`--operation ${operation}: expected one of ${operations.join(", ")}`);
  const [first, ...more] = loadObjects([file], { stdin: false });
  if (first === undefined) throw new UsageError(`${file}: expected one object, found none`);
  if (more.length > 0) throw new UsageError(`${file}: expected one object, found ${more.length + 1}; split the file`);
  // Throws where nobody could be asked about it.
  requestOf(first);
  process.stdout.write(`${reviewOf(first.object, builtinCatalog(), asked)}\n`);
  return 0;
}
