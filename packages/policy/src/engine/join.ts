// Several dialects, one answer. Each dialect answers in its own words; here the answers become one admission response.
// One that denies answers alone, exactly as its peer would; several that deny are joined with their texts apart.
// Warnings keep each dialect's order, dialects in the order in which the engine was given them.

import type { Answered } from "./outcome.ts";

export function joinAnswers(answers: readonly Answered[]): Answered {
  const warnings = answers.flatMap((answer) => answer.warnings);
  const denials = answers.filter((answer) => !answer.allowed);
  const [first] = denials;
  if (first === undefined) return { ...allowance(answers), warnings };
  if (denials.length === 1) return { ...first, warnings };
  return {
    allowed: false,
    code: 403,
    reason: "Forbidden",
    message: denials.map((answer) => answer.message).join("\n\n"),
    warnings,
  };
}

/** The one answer that says more than `200`, as Gatekeeper's 299; several such are too much for one code. */
function allowance(answers: readonly Answered[]): Answered {
  const plain: Answered = { allowed: true, code: 200, reason: "", message: "", warnings: [] };
  if (answers.length === 1) return answers[0] ?? plain;
  const special = answers.filter((answer) => answer.code !== 200 || answer.message !== "");
  return special.length === 1 ? (special[0] ?? plain) : plain;
}
