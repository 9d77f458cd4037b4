// Own properties only: a key such as `__proto__` in hostile data must become data, not a prototype.

/** Sets an own property whatever the key. */
export function setOwn<Value>(target: Record<string, Value>, key: string, value: Value): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  else target[key] = value;
}
