// Numbers and encodings, which Kubernetes does not have.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import { CelError, compile, createEnvironment, kubernetesOnCelGo30 } from "../../src/index.ts";
import { encodersLibrary } from "../../src/library/encoders.ts";
import { mathLibrary } from "../../src/library/math.ts";
import { standardLibrary } from "../../src/library/standard.ts";

const environment = createEnvironment({
  libraries: [standardLibrary(30), mathLibrary, encodersLibrary],
  dialect: kubernetesOnCelGo30,
});

function valueOf(expression: string): unknown {
  const compiled = compile(expression, environment);
  assert.ok("program" in compiled, JSON.stringify(compiled));
  const { value } = compiled.program.evaluate({ read: () => undefined, budget: new Budget({}, () => 0) });
  return value instanceof CelError ? value.message : value;
}

for (const expression of [
  "math.least(3, 1, 2) == 1 && math.greatest(1, 2.5) == 2.5 && math.least(dyn([2u, 1u])) == 1u",
  "math.round(2.5) == 3.0 && math.round(-2.5) == -3.0 && math.round(0.49999999999999994) == 0.0",
  "math.ceil(1.2) == 2.0 && math.floor(-1.2) == -2.0 && math.trunc(-1.9) == -1.0",
  "math.abs(-3) == 3 && math.abs(-1.5) == 1.5 && math.sign(-2) == -1 && math.sign(0.0) == 0.0 && math.sign(7u) == 1u",
  "math.isNaN(0.0 / 0.0) && math.isInf(-1.0 / 0.0) && math.isFinite(1.5) && math.sqrt(16) == 4.0",
  "math.bitAnd(6, 3) == 2 && math.bitOr(4u, 1u) == 5u && math.bitXor(-1, 1) == -2",
  "math.bitNot(0) == -1 && math.bitNot(0u) == 18446744073709551615u",
  "math.bitShiftLeft(1, 63) == -9223372036854775808 && math.bitShiftLeft(1u, 64) == 0u",
  "math.bitShiftRight(-1, 1) == 9223372036854775807 && math.bitShiftRight(8u, 2) == 2u",
  "base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8') == b'hello'",
]) {
  test(expression, () => {
    assert.equal(valueOf(expression), true);
  });
}

for (const [expression, message] of [
  ["math.abs(-9223372036854775808)", "integer overflow"],
  ["math.bitShiftLeft(1, -1)", "math.bitShiftLeft() negative offset: -1"],
  ["math.least(dyn([]))", "math.@min(list) argument must not be empty"],
  ["math.greatest(dyn(1), dyn('a'))", "no such overload: math.@max(int, string)"],
  ["base64.decode('!')", "illegal base64 data at input byte 0"],
] as const) {
  test(`${expression}: ${message}`, () => {
    assert.equal(valueOf(expression), message);
  });
}
