// A value as JSON text. Go sorts keys and escapes what HTML could misread; both write doubles as JavaScript does, except
// that Go keeps the sign of zero and refuses what has no JSON. Output is charged while it grows, because a small value that
// shares its parts can stand for an enormous text. Go: encoding/json encode.go.

import { type Budget, LimitError, createPieces } from "@portcullis/lang";
import { encodeText } from "@portcullis/lang/go";
import { compareTexts } from "./order.ts";
import { SearchError } from "./run.ts";
import { GoInteger, Reference, type Value, type ValueObject, isList, numberOf } from "./value.ts";

/** Compact JSON; an error for infinities and NaN in Go's form. Throws LimitError. */
export function encode(value: Value, budget: Budget, form: "go" | "plain"): string | SearchError {
  const writer = new Writer(budget, form);
  writer.write(value, 0);
  return writer.failure ?? writer.parts.text();
}

class Writer {
  readonly parts = createPieces();
  failure: SearchError | null = null;
  readonly #budget: Budget;
  readonly #go: boolean;

  constructor(budget: Budget, form: "go" | "plain") {
    this.#budget = budget;
    this.#go = form === "go";
  }

  write(value: Value, depth: number): void {
    this.#budget.step();
    if (depth > this.#budget.depthMax) throw new LimitError("depth");
    if (value === null || typeof value !== "object") return this.#put(this.#scalar(value));
    const number = numberOf(value);
    if (number !== null) return this.#put(this.#number(number));
    if (isList(value)) return this.#list(value, depth);
    if (value instanceof GoInteger) return this.#put(String(value.value));
    return value instanceof Reference ? this.#put("{}") : this.#object(value as ValueObject, depth);
  }

  #put(text: string): void {
    this.#budget.output(text.length);
    this.parts.add(text);
  }

  #scalar(value: null | boolean | number | string): string {
    if (typeof value === "number") return this.#number(value);
    if (typeof value === "string") return this.#text(value);
    return String(value);
  }

  #text(text: string): string {
    return this.#go ? encodeText(text) : JSON.stringify(text);
  }

  #number(number: number): string {
    if (Number.isFinite(number)) return this.#go && Object.is(number, -0) ? "-0" : String(number);
    if (!this.#go) return "null";
    const name = Number.isNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
    this.failure ??= new SearchError("function", `json: unsupported value: ${name}`);
    return "";
  }

  #list(list: readonly Value[], depth: number): void {
    this.#put("[");
    for (const [at, item] of list.entries()) {
      if (at > 0) this.parts.add(",");
      this.write(item, depth + 1);
    }
    this.#put("]");
  }

  #object(object: ValueObject, depth: number): void {
    const keys = this.#go ? Object.keys(object).toSorted(compareTexts) : Object.keys(object);
    this.#put("{");
    for (const [at, key] of keys.entries()) {
      this.#put(`${at > 0 ? "," : ""}${this.#text(key)}:`);
      this.write(object[key] as Value, depth + 1);
    }
    this.#put("}");
  }
}
