// What was made for the last two things that were asked about: the object of a request and its old one are looked at by
// policy after policy, and then by nobody any more. A WeakMap would serve too, but V8's young collections take the values
// of a WeakMap for reachable, so that every request would leave its object to the slower collection of the old space.

export interface Latest<Key extends object, Value> {
  get(key: Key): Value | undefined;
  /** Remembers a value and gives it back. */
  set(key: Key, value: Value): Value;
}

export function createLatest<Key extends object, Value>(): Latest<Key, Value> {
  let key: Key | null = null;
  let value: Value | undefined;
  let olderKey: Key | null = null;
  let olderValue: Value | undefined;
  return {
    get: (asked) => {
      if (asked === key) return value;
      return asked === olderKey ? olderValue : undefined;
    },
    set: (newKey, newValue) => {
      if (newKey !== key) {
        olderKey = key;
        olderValue = value;
        key = newKey;
      }
      value = newValue;
      return newValue;
    },
  };
}
