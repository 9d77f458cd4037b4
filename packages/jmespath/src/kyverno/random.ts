// `random(pattern)`: a text that matches a regular expression. Numbers come from one stream of the decision's world, so that
// two calls differ and a decision that is taken again draws the same. Kyverno: pkg/engine/jmespath/functions.go jpRandom.

import type { World } from "@portcullis/lang";
import type { JmesFunction } from "../functions/function.ts";
import { libraryError } from "./failure.ts";
import { generate, parseGenerator } from "./generator.ts";
import { text } from "./signature.ts";

const streams = new WeakMap<World, () => number>();

/** A world is one decision's; its stream goes on from call to call. */
function streamOf(world: World): () => number {
  let stream = streams.get(world);
  if (stream === undefined) {
    stream = world.random("jmespath/random");
    streams.set(world, stream);
  }
  return stream;
}

const random: JmesFunction["evaluate"] = ({ budget, world }, pattern) => {
  if (pattern === "") return libraryError("no pattern provided");
  budget.step((pattern as string).length);
  const generator = parseGenerator(pattern as string);
  if ("error" in generator) return libraryError(generator.error);
  return generate(generator, {
    random: streamOf(world),
    output: (characters) => {
      budget.output(characters);
    },
  });
};

export const randomFunctions: readonly JmesFunction[] = [{ name: "random", parameters: [text], evaluate: random }];
