// Cleanup policies on the command line: for each policy and object one result, whether the object would be deleted. They
// come after everything else. Kyverno: cmd/cli/kubectl-kyverno/commands/apply/command.go applyCleanupPolicies.

import { type Labels, annotationsOf, namespaceOf } from "@portcullis/kube";
import type { Evaluation, Json } from "../../engine/request.ts";
import { unsentRequest } from "../../engine/unsent.ts";
import { type CompiledCleanup, compileCleanup, judgeCleanup } from "../cleanup/cleanup.ts";
import { type RuleId, ruleResult } from "../result.ts";
import { defaultSettings } from "../settings.ts";
import { withNamespace } from "./engine.ts";
import type { CliPolicy } from "./port.ts";
import type { PolicyResponse } from "./run.ts";

export interface CleanupRun {
  /** Of a namespace, as the values give them. */
  readonly namespaceLabels: (namespace: string) => Labels;
  readonly evaluation: () => Evaluation;
}

/** What cleanup policies say of objects, in the order of both. */
export function* cleanupResponses(
  policies: readonly Json[],
  objects: readonly Json[],
  run: CleanupRun,
): Generator<PolicyResponse> {
  for (const source of policies) {
    const cleanup = compileCleanup(source, defaultSettings.peerAnswers);
    const id: RuleId = { name: cleanup.name, type: "Deletion", properties: {} };
    for (const object of objects) {
      const labels = run.namespaceLabels(namespaceOf(object));
      const evaluation = run.evaluation();
      const world = withNamespace(evaluation.world, { object, oldObject: null, namespaceLabels: labels });
      const linked = { cleanup, settings: defaultSettings, profile: "kyverno-cli" } as const;
      const { status, message } = judgeCleanup(linked, unsentRequest(object, "schedule"), { ...evaluation, world });
      const rules = [ruleResult(id, status, message)];
      const policy = cliPolicy(cleanup, source);
      yield { policy, phase: "validate", namespaceLabels: labels, given: object, object, patched: object, rules };
    }
  }
}

/** One for each result: Kyverno writes a report for each, where the policy has a namespace. */
function cliPolicy({ kind, namespace, name }: CompiledCleanup, source: Json): CliPolicy {
  return {
    kind,
    namespace,
    name,
    annotations: annotationsOf(source),
    process: "",
    phases: new Set(["validate"]),
    rules: [{ name, phase: "validate" }],
    problem: null,
    audits: () => false,
  };
}
