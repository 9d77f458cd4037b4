import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { type ShelfText, createShelf } from "../../../src/controllers/audit/shelf.ts";

suite("a shelf of texts", () => {
  test("gives back what was put, whatever was dropped in between", () => {
    const size = fc.constantFrom(0, 1, 50, 3000, 40_000, 200_000);
    const step = fc.record({ drops: fc.boolean(), at: fc.nat(), size, letter: fc.constantFrom("a", "é", "😀") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const shelf = createShelf();
        const held: { readonly text: ShelfText; readonly said: string }[] = [];
        let count = 0;
        for (const { drops, at, size: length, letter } of steps) {
          if (drops && held.length > 0) {
            const [gone] = held.splice(at % held.length, 1);
            if (gone !== undefined) shelf.drop(gone.text);
            if (gone !== undefined) shelf.drop(gone.text);
          } else {
            const said = `${count++} ${letter.repeat(length)}`;
            held.push({ text: shelf.put(said), said });
          }
          const looked = held[at % Math.max(1, held.length)];
          if (looked !== undefined) assert.equal(shelf.get(looked.text), looked.said);
        }
        for (const { text, said } of held) assert.equal(shelf.get(text), said);
        assert.equal(
          shelf.bytes,
          held.reduce((sum, { said }) => sum + Buffer.byteLength(said), 0),
        );
        for (const { text } of held) shelf.drop(text);
        assert.equal(shelf.bytes, 0);
        assert.equal(shelf.packedBytes, 0);
      }),
      { numRuns: 60 },
    );
  });

  test("texts that are alike cost little, and garbage goes", () => {
    const shelf = createShelf();
    const line = (at: number): string =>
      JSON.stringify({ at, spec: Array.from({ length: 100 }, (_none, n) => `field-${n}`) });
    const texts = Array.from({ length: 2000 }, (_none, at) => shelf.put(line(at)));
    assert.ok(shelf.packedBytes * 8 < shelf.bytes, `${shelf.packedBytes} of ${shelf.bytes}`);
    const before = shelf.packedBytes;
    for (const [at, text] of texts.entries()) if (at % 8 !== 0) shelf.drop(text);
    assert.ok(shelf.packedBytes < before / 2);
    for (const [at, text] of texts.entries()) if (at % 8 === 0) assert.equal(shelf.get(text), line(at));
  });
});
