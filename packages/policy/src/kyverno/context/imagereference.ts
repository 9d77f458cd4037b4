// Image references are read where JMESPath's `image_normalize` reads them.

export { type ImageSettings as RegistrySettings, parseImage as imageInfo } from "@portcullis/jmespath/kyverno";
