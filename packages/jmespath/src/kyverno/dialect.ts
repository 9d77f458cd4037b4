// Kyverno's dialect: go-jmespath's engine and functions with Kyverno's own.

import type { Dialect } from "../dialect.ts";
import type { JmesFunction } from "../functions/function.ts";
import { standardFunctions } from "../functions/standard.ts";
import { arithmeticFunctions } from "./arithmetic.ts";
import { collectionFunctions } from "./collections.ts";
import { encodingFunctions } from "./encoding.ts";
import { type ImageSettings, defaultImageSettings, imageFunctions } from "./image.ts";
import { networkFunctions } from "./network.ts";
import { randomFunctions } from "./random.ts";
import { semverFunctions } from "./semver.ts";
import { stringFunctions } from "./strings.ts";
import { timeFunctions } from "./time.ts";
import { x509Functions } from "./x509.ts";

export interface KyvernoOptions {
  /** Of Kyverno's configuration; what `image_normalize` puts before names. */
  readonly images?: ImageSettings;
  /** What `list[?…] | length(@)` is where the list is absent: 0 by default, an error in Kyverno itself. */
  readonly absentFilterLength?: "zero" | "error";
}

/** Later tables replace functions of earlier ones. */
function functionsOf(images: ImageSettings): ReadonlyMap<string, JmesFunction> {
  const all = [
    ...standardFunctions,
    ...collectionFunctions,
    ...stringFunctions,
    ...arithmeticFunctions,
    ...encodingFunctions,
    ...timeFunctions,
    ...semverFunctions,
    ...imageFunctions(images),
    ...networkFunctions,
    ...randomFunctions,
    ...x509Functions,
  ];
  return new Map(all.map((fn) => [fn.name, fn]));
}

/** A dialect for a configuration of Kyverno. Make one and keep it. */
export function makeKyvernoDialect(options: KyvernoOptions = {}): Dialect {
  const functions = functionsOf(options.images ?? defaultImageSettings);
  const dialect: Dialect = { name: "kyverno", engine: "go-jmespath", functions };
  return options.absentFilterLength === "error" ? dialect : { ...dialect, absentFilterIsEmpty: true };
}

/** Kyverno's dialect with its default configuration. */
export const kyvernoDialect: Dialect = makeKyvernoDialect();
