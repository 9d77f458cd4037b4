// What comes from the world or from the host: time, random texts, name look-ups, lossless numbers and Go's ints.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Answer, Decimal, type Need, Suspend, type World, parseJson } from "@portcullis/lang";
import fc from "fast-check";
import { compileRegex } from "@portcullis/lang/go";
import {
  GoInteger,
  SearchError,
  type Value,
  compile,
  kyvernoDialect,
  makeKyvernoDialect,
} from "../../src/kyverno/index.ts";
import { newRun, newWorld } from "../world.ts";

function search(text: string, given: unknown = {}, world: World = newWorld()): Value | SearchError {
  const { value: compiled, diagnostics } = compile(text, kyvernoDialect);
  assert.ok(compiled, diagnostics[0]?.message);
  return compiled.search(given, newRun(world));
}

function answering(answers: Readonly<Record<string, Answer>>): World {
  const ask = (needs: readonly Need[]): readonly Answer[] => {
    const missing = needs.filter(({ key }) => answers[key] === undefined);
    if (missing.length > 0) throw new Suspend(missing);
    return needs.map(({ key }) => answers[key] as Answer);
  };
  return { ...newWorld(), ask };
}

suite("the world", () => {
  test("the time is the decision's", () => {
    assert.equal(search("time_now()"), "2023-11-14T22:13:20Z");
    assert.equal(search("time_now_utc()"), "2023-11-14T22:13:20Z");
    assert.equal(search("time_since('', '2023-11-14T22:13:10Z', '')"), "10s");
  });

  test("a name is a need; its addresses decide", () => {
    const text = "is_external_url('https://example.com:8443/x')";
    assert.throws(
      () => search(text, {}, answering({})),
      (error) =>
        error instanceof Suspend &&
        error.needs[0]?.kind === "net.lookup_ip_addr" &&
        error.needs[0].key === "example.com",
    );
    assert.equal(
      search(text, {}, answering({ "example.com": { value: ["93.184.216.34", "2606:2800:220::1"] } })),
      true,
    );
    assert.equal(search(text, {}, answering({ "example.com": { value: ["93.184.216.34", "10.0.0.1"] } })), false);
    const failed = search(text, {}, answering({ "example.com": { error: "no such host" } }));
    assert.ok(failed instanceof SearchError && failed.message === "lookup example.com: no such host");
  });

  test("random texts match their pattern", () => {
    const patterns = ["[a-z0-9]{5,10}", "a+b?c*", "(x|yz){3}-[[:upper:]]", "[^a-y]{4}", "v[1-9]\\.[0-9]{1,3}"];
    fc.assert(
      fc.property(fc.constantFrom(...patterns), fc.integer(), (pattern, seed) => {
        let state = seed;
        const random = (): number => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return state / 2 ** 32;
        };
        const made = search(`random('${pattern}')`, {}, { ...newWorld(), random: () => random });
        const compiled = compileRegex(`^(?:${pattern})$`);
        assert.ok("regex" in compiled && typeof made === "string" && compiled.regex.test(made), pattern);
      }),
    );
  });

  test("a decision that is taken again draws the same", () => {
    assert.equal(search("random('[a-z]{20}')"), search("random('[a-z]{20}')"));
  });
});

suite("numbers", () => {
  const given = parseJson('{"big": 12345678901234567890, "one": 1.0, "list": [2.0, 1, 1e2]}');

  test("a Decimal counts as its double", () => {
    assert.equal(search("one == `1`", given), true);
    assert.equal(search("big == `12345678901234567000`", given), true);
    assert.equal(search("big > `1`", given), true);
    assert.equal(search("type(big)", given), "number");
    assert.equal(search("to_string(@)", given), '{"big":12345678901234567000,"list":[2,1,100],"one":1}');
    assert.equal(search("add(one, `1`)", given), 2);
    assert.equal(search("contains(list, `2`)", given), true);
    assert.equal(search("to_string(sort(list))", given), "[1,2,100]");
    assert.equal(search("regex_match('^100$', list[2])", given), true);
    assert.equal(search("lookup(list, one)", given), 1);
  });

  test("a Decimal that is only selected stays as it was written", () => {
    assert.ok(search("big", given) instanceof Decimal);
  });

  test("Go's int is no number", () => {
    const context = { elementIndex: new GoInteger(0) };
    assert.equal(search("elementIndex == `0`", context), false);
    assert.equal(search("elementIndex > `0`", context), null);
    assert.equal(search("to_string(elementIndex)", context), "0");
    assert.ok(search("add(elementIndex, `1`)", context) instanceof SearchError);
    assert.equal(search("elementIndex || 'no'", context), context.elementIndex);
  });
});

suite("configuration", () => {
  test("the default registry and its mutation", () => {
    const images = { defaultRegistry: "reg.local", enableDefaultRegistryMutation: true };
    const run = newRun();
    const normalize = (settings: typeof images): unknown =>
      compile("image_normalize('a_b/c')", makeKyvernoDialect({ images: settings })).value?.search({}, run);
    assert.equal(normalize(images), "reg.local/a_b/c:latest");
    assert.equal(normalize({ ...images, enableDefaultRegistryMutation: false }), "a_b/c:latest");
  });

  test("the length of an absent filter is Kyverno's error again", () => {
    const text = "initContainers[?!image] | length(@)";
    const kyverno = compile(text, makeKyvernoDialect({ absentFilterLength: "error" }));
    assert.deepEqual(kyverno.diagnostics, []);
    const outcome = kyverno.value?.search({}, newRun());
    assert.ok(outcome instanceof SearchError && outcome.kind === "invalid-type");
    const ours = compile(text, kyvernoDialect);
    assert.deepEqual(
      ours.diagnostics.map(({ code, severity }) => [code, severity]),
      [["length-of-absent-filter", "warning"]],
    );
    assert.equal(ours.value?.search({}, newRun()), 0);
  });

  test("calls that cannot succeed are warnings, and errors only when they are reached", () => {
    const { value: compiled, diagnostics } = compile("a || nonsense(a)", kyvernoDialect);
    assert.deepEqual(
      diagnostics.map(({ code, severity }) => [code, severity]),
      [["unknown-function", "warning"]],
    );
    assert.equal(compiled?.search({ a: 1 }, newRun()), 1);
    const outcome = compiled?.search({ a: null }, newRun());
    assert.ok(outcome instanceof SearchError && outcome.message === "unknown function: nonsense");
  });
});
