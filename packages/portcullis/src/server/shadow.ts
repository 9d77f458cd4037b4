// In shadow of a neighbour: a request is decided as always, and allowed whatever was decided. What would have been refused is
// told to whoever compares, and is not counted among our answers.

import type { Reply } from "./routes.ts";
import { writeReview } from "./review.ts";

/** What a policy would have said to a request if it were asked in earnest. */
export interface ShadowDecision {
  readonly allowed: boolean;
  readonly message: string;
  /** The message may quote a Secret. */
  readonly quotesSecret: boolean;
}

/** The answer that lets the request through, and the decision; null when the request was none that policies decide about. */
export function shadowed(reply: Reply): { readonly reply: Reply; readonly decision: ShadowDecision | null } {
  if (reply.status !== 200) return { reply, decision: null };
  const { apiVersion, response } = JSON.parse(reply.body) as {
    readonly apiVersion: string;
    readonly response: {
      readonly uid: string;
      readonly allowed: boolean;
      readonly status?: { readonly message?: string };
    };
  };
  const allowing = { allowed: true, code: 200, reason: "", message: "", warnings: [] };
  return {
    reply: { status: 200, body: writeReview(response.uid, allowing, apiVersion), record: null },
    decision: {
      allowed: response.allowed,
      message: response.status?.message ?? "",
      quotesSecret: reply.quotesSecret ?? false,
    },
  };
}
