// What Node gives to the pure packages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadCode, worldNow } from "../../src/app/host.ts";

const world = worldNow(() => ({ error: "nothing is known" }));

const winter = Date.UTC(2026, 0, 15, 12);
const summer = Date.UTC(2026, 6, 15, 12);

/** Go's `time.Now().In(location).Zone()` at these moments. */
const zones: readonly (readonly [string, number, string, number])[] = [
  ["UTC", winter, "UTC", 0],
  ["Europe/Berlin", winter, "CET", 3600],
  ["Europe/Berlin", summer, "CEST", 7200],
  ["Europe/London", summer, "BST", 3600],
  ["America/New_York", winter, "EST", -18_000],
  ["America/New_York", summer, "EDT", -14_400],
  ["Australia/Sydney", winter, "AEDT", 39_600],
  ["Asia/Kolkata", winter, "IST", 19_800],
  ["Asia/Tokyo", winter, "JST", 32_400],
  ["Asia/Shanghai", winter, "CST", 28_800],
  ["Europe/Moscow", winter, "MSK", 10_800],
  ["Europe/Dublin", summer, "IST", 3600],
  ["Pacific/Chatham", winter, "+1345", 49_500],
  ["PRC", winter, "CST", 28_800],
  ["Asia/Kathmandu", winter, "+0545", 20_700],
  ["America/Sao_Paulo", winter, "-03", -10_800],
];

for (const [name, at, abbreviation, offsetSeconds] of zones) {
  test(`${name} at ${new Date(at).toISOString().slice(0, 10)} is ${abbreviation}`, () => {
    assert.deepEqual(world.host.zone(name, at), { offsetSeconds, abbreviation });
  });
}

test("a zone that does not exist is null", () => {
  assert.equal(world.host.zone("Mars/Olympus", winter), null);
  for (const name of ["europe/berlin", "EUROPE/BERLIN", "us/eastern", "US/EASTERN", "utc", "+05:00"]) {
    assert.equal(world.host.zone(name, winter), null, name);
  }
  for (const name of ["US/Eastern", "EST5EDT", "Etc/GMT0", "Asia/Kolkata", "UTC"]) {
    assert.notEqual(world.host.zone(name, winter), null, name);
  }
});

test("digests and codes are those of their names, and an unknown one is refused", () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  assert.equal(hex(world.host.digest("md5", new Uint8Array())), "d41d8cd98f00b204e9800998ecf8427e");
  const code = world.host.hmac("sha1", Buffer.from("key"), Buffer.from("text"));
  assert.equal(hex(code), "369e2959eb49450338b212748f77d8ded74847bb");
  assert.throws(() => world.host.digest("sha0", new Uint8Array()), /unknown digest sha0/);
});

test("random streams depend on their name only, within one decision", () => {
  const take = (stream: string) => Array.from({ length: 5 }, world.random(stream));
  assert.deepEqual(take("a"), take("a"));
  assert.notDeepEqual(take("a"), take("b"));
  assert.ok(take("a").every((number) => number >= 0 && number < 1));
});

test("code that is loaded sees its parameters and no file's scope", () => {
  assert.equal(loadCode("return a + b", ["a", "b"])(1, 2), 3);
  assert.equal(loadCode("return typeof require", [])(), "undefined");
});
