// The difference of two objects as a JSON patch; it lives with the other patches of Kubernetes data.

export { type PatchOperation, jsonPatch } from "@portcullis/kube";
