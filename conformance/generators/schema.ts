// Values that fit an openAPIV3Schema, made from a seed: how constraint parameters are generated from a template alone.
// Strings come from words that occur in policies, so that a generated constraint has something to do with the objects.

export type Random = () => number;

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly additionalProperties?: Schema | boolean;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

/** What strings are made of: names, images, quantities and patterns that policies talk about. */
export const words = [
  "*",
  "nginx",
  "docker.io/",
  "gcr.io/my-project/",
  "nginx:latest",
  "latest",
  "1",
  "100m",
  "1Gi",
  "200Mi",
  "app",
  "owner",
  "me",
  "ALL",
  "NET_ADMIN",
  "runtime/default",
  "RuntimeDefault",
  "Localhost",
  "Unconfined",
  "localhost/*",
  "default",
  "hostPath",
  "emptyDir",
  "kernel.*",
  "MustRunAs",
  "RunAsAny",
  "MustRunAsNonRoot",
  "MayRunAs",
  "NodePort",
  "^[a-z]+$",
  "s0:c1,c2",
  "/tmp",
  "/foo",
] as const;

/** A value of the schema. Optional properties are left out half of the time. */
export function generateValue(random: Random, schema: Schema, depth = 0): unknown {
  if (schema.enum !== undefined) return pick(random, schema.enum);
  if (schema["x-kubernetes-int-or-string"] === true)
    return chance(random, 0.5) ? integer(random, schema) : pick(random, words);
  const [alternative] = schema.anyOf ?? schema.oneOf ?? [];
  const type = schema.type ?? alternative?.type ?? "any";
  switch (type) {
    case "object":
      return generateObject(random, schema, depth);
    case "array":
      return Array.from({ length: Math.floor(random() * 4) }, () =>
        generateValue(random, schema.items ?? {}, depth + 1),
      );
    case "string":
      return pick(random, words);
    case "integer":
      return integer(random, schema);
    case "number":
      return chance(random, 0.5) ? integer(random, schema) : Math.floor(random() * 1000) / 8;
    case "boolean":
      return chance(random, 0.5);
    default:
      return depth > 3 ? null : pick<unknown>(random, ["x", 1, true, null, ["a"], { a: 1 }]);
  }
}

function generateObject(random: Random, schema: Schema, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) === true || chance(random, 0.6))
      object[name] = generateValue(random, property, depth + 1);
  }
  if (typeof schema.additionalProperties === "object") {
    for (let count = Math.floor(random() * 3); count > 0; count--) {
      object[pick(random, words)] = generateValue(random, schema.additionalProperties, depth + 1);
    }
  }
  return object;
}

function integer(random: Random, { minimum = 0, maximum = 3000 }: Schema): number {
  return minimum + Math.floor(random() * (maximum - minimum + 1));
}
