// Image references are read where JMESPath's `image_normalize` reads them. The same few are asked for by rule after rule
// and request after request, so recent ones are remembered.

import { type ImageSettings, parseImage } from "@portcullis/jmespath/kyverno";

export type { ImageSettings as RegistrySettings } from "@portcullis/jmespath/kyverno";

type Parsed = ReturnType<typeof parseImage>;

const remembered = 1024;

/** The longest reference that is remembered; Kubernetes itself sets no limit. */
const lengthMax = 512;

const recent = new Map<string, Parsed>();

/** The parts of an image reference, with defaults filled in. */
export function imageInfo(image: string, settings: ImageSettings): Parsed {
  if (image.length > lengthMax) return parseImage(image, settings);
  const key = `${settings.enableDefaultRegistryMutation ? "+" : "-"}${settings.defaultRegistry}\n${image}`;
  const known = recent.get(key);
  if (known !== undefined) return known;
  const parsed = parseImage(image, settings);
  if (recent.size >= remembered) recent.clear();
  recent.set(key, parsed);
  return parsed;
}
