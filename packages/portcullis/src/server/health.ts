// Liveness and readiness. The process is alive as long as it answers; it is ready when every named check holds: policies
// are loaded, the evaluators run, and it is not shutting down. The texts are those of Kubernetes' own health endpoints.

export interface Health {
  /** `null` means the check holds; otherwise the reason why not. A name that was never set does not count. */
  set(check: string, reason: string | null): void;
  readonly ready: boolean;
  /** `[+]policies ok` per check, as kube-apiserver's `/readyz?verbose`. */
  report(): string;
}

export function createHealth(initial: Readonly<Record<string, string | null>>): Health {
  const checks = new Map(Object.entries(initial));
  const isReady = (): boolean => [...checks.values()].every((reason) => reason === null);
  return {
    set: (check, reason) => {
      checks.set(check, reason);
    },
    get ready() {
      return isReady();
    },
    report: () => {
      const lines = [...checks].map(([check, reason]) =>
        reason === null ? `[+]${check} ok` : `[-]${check} ${reason}`,
      );
      return `${[...lines, `readyz check ${isReady() ? "passed" : "failed"}`].join("\n")}\n`;
    },
  };
}
