// How reading a certificate ends early: with Go's text of what is wrong. It never leaves x509.ts.

export class Malformed extends Error {}

/** The value, or the end of the reading. */
export function must<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new Malformed(message);
  return value;
}
