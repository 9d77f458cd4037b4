// placeholder
export interface PullOptions {
  readonly tempdir: string;
}
export async function pullImage(
  image: string,
  _options: PullOptions,
): Promise<{ readonly folder: string; readonly remove: () => void } | { readonly error: string }> {
  return Promise.resolve({ error: `pulling ${image}` });
}
