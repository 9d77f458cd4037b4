// Which replicas divide the audit among themselves. Whoever comes while others audit counts once it has evaluated its share for the
// first time: until then the others keep it, so that a replica that does not get so far takes nothing with it. Where
// nobody audits yet there is nothing to keep: replicas that start together count from the first moment, or each would begin with
// everything. Who audits says so on its Lease (cluster/shards.ts).

import type { Membership } from "../cluster/shards.ts";
import type { AuditMembers } from "./audit.ts";

const auditTask = "audit";

/** How long replicas that start together wait for each other, in milliseconds. */
const startingMs = 60_000;

export interface AuditMembersOptions {
  readonly membership: Pick<Membership, "members" | "doing" | "does">;
  readonly nowMs: () => number;
  /** The members may be others now. */
  readonly onChange: () => void;
}

export interface AuditDivision {
  /** To be called before our audit starts, and again when it starts anew. */
  begin(): void;
  /** Whether our audit has evaluated its share; false as well when its thread has died. */
  audits(isAuditing: boolean): void;
  readonly members: Pick<AuditMembers, "auditing" | "alive">;
  close(): void;
}

export function divideAudit({ membership, nowMs, onChange }: AuditMembersOptions): AuditDivision {
  let startingUntilMs = -Infinity;
  let timer: NodeJS.Timeout | null = null;
  const stopWaiting = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    begin: () => {
      if (timer !== null || membership.doing(auditTask).length > 0) return;
      startingUntilMs = nowMs() + startingMs;
      timer = setTimeout(() => {
        timer = null;
        onChange();
      }, startingMs + 1);
      timer.unref();
      membership.does(auditTask, true);
    },
    audits: (isAuditing) => {
      if (!isAuditing) {
        stopWaiting();
        startingUntilMs = -Infinity;
      }
      membership.does(auditTask, isAuditing);
    },
    get members() {
      const alive = membership.members;
      return { alive, auditing: nowMs() < startingUntilMs ? alive : membership.doing(auditTask) };
    },
    close: stopWaiting,
  };
}
