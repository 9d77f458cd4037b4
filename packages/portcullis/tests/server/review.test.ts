// AdmissionReview on the wire: what is read, what is refused and with which words, and the uid of broken bodies.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ReviewError, findReview, readReview, writeReview } from "../../src/server/review.ts";
import { reviewText } from "./client.ts";

const uidOf = (body: string) => findReview(body)?.uid ?? null;
const tree = () => JSON.parse(reviewText()) as { request: Record<string, unknown> };

test("a review is read with its version, and fields that are not known are let be", () => {
  const review = tree();
  review.request["somethingNew"] = { a: 1 };
  const { apiVersion, request } = readReview({ ...review, apiVersion: "admission.k8s.io/v1beta1", extra: true });
  assert.equal(apiVersion, "admission.k8s.io/v1beta1");
  assert.deepEqual(request.kind, { group: "", version: "v1", kind: "Pod" });
  assert.deepEqual(request.user, { username: "jane", uid: "", groups: ["dev"], extra: {} });
  assert.equal(request.operation, "CREATE");
  assert.equal(request.oldObject, null);
});

const refusals: readonly (readonly [string, unknown, string])[] = [
  ["a list", [], "an AdmissionReview must be a JSON object, not an array"],
  ["a Pod", { kind: "Pod", apiVersion: "v1" }, 'kind must be "AdmissionReview", not "Pod"'],
  ["an empty object", {}, 'kind must be "AdmissionReview", not absent'],
  ["another version", { ...tree(), apiVersion: "v2" }, 'apiVersion must be "admission.k8s.io/v1", not "v2"'],
  ["no request", { ...tree(), request: undefined }, "request must be an object, not absent"],
  ["no uid", { ...tree(), request: { ...tree().request, uid: undefined } }, "request.uid is missing"],
  [
    "a number for a name",
    { ...tree(), request: { ...tree().request, name: 5 } },
    "request.name must be a string, not a number",
  ],
  [
    "a text for an object",
    { ...tree(), request: { ...tree().request, object: "x" } },
    "request.object must be an object, not a string",
  ],
];

for (const [what, value, message] of refusals) {
  test(`${what} is refused: ${message}`, () => {
    assert.throws(() => readReview(value), new ReviewError(message));
  });
}

test("an answer has Gatekeeper's fields in Gatekeeper's order", () => {
  const denial = { allowed: false, code: 403, reason: "Forbidden", message: "[a] no", warnings: [] };
  assert.equal(
    writeReview("u", denial),
    '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"u","allowed":false,' +
      '"status":{"metadata":{},"message":"[a] no","reason":"Forbidden","code":403}}}\n',
  );
  const warning = { allowed: true, code: 299, reason: "", message: "", warnings: ["[b] hm"] };
  assert.equal(
    writeReview("u", warning, "admission.k8s.io/v1beta1"),
    '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"uid":"u","allowed":true,' +
      '"status":{"metadata":{},"code":299},"warnings":["[b] hm"]}}\n',
  );
});

test("the uid is found in a body that is cut off anywhere behind it, and nowhere else", () => {
  const text = reviewText({ uid: "the-uid", object: { uid: "not this", request: { uid: "nor this" } } });
  const end = text.indexOf("the-uid") + "the-uid".length + 1;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: text.length }), (length) => {
      assert.equal(uidOf(text.slice(0, length)), length >= end ? "the-uid" : null);
    }),
  );
});

test("the uid is found behind an object that stands before it", () => {
  const object = {
    request: { uid: "no" },
    text: 'a "request": {"uid": "no"} \\',
    list: [{ uid: "no" }, "uid", ["uid"]],
  };
  const text = JSON.stringify({ object, request: { object, options: [object], uid: 'y"es' }, uid: "no" });
  assert.equal(uidOf(text), 'y"es');
  assert.equal(uidOf(JSON.stringify({ uid: "no", request: { uid: 5 } })), null);
});

test("looking for the uid never throws and is quick on hostile bodies", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      uidOf(Buffer.from(bytes).toString("latin1"));
    }),
  );
  for (const hostile of ['{"'.repeat(500_000), `"${'\\"'.repeat(500_000)}`, "[".repeat(1_000_000)]) {
    const started = process.cpuUsage();
    assert.equal(uidOf(hostile), null);
    // Processor time, which a busy machine does not stretch. A walk that begins again at every bracket would take minutes.
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 1_000_000);
  }
});
