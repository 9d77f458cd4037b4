// Progress of long work: one line on a terminal, rewritten a few times a second; nothing where nobody looks.

export interface Progress {
  readonly step: () => void;
  readonly end: () => void;
}

const redrawMs = 100;

export function showProgress(what: string, total: number): Progress {
  if (!process.stderr.isTTY || total < 2) return { step: () => {}, end: () => {} };
  let done = 0;
  let drawnMs = performance.now();
  return {
    step: () => {
      done += 1;
      const now = performance.now();
      if (now - drawnMs < redrawMs) return;
      drawnMs = now;
      process.stderr.write(`\r${done}/${total} ${what}`);
    },
    end: () => process.stderr.write("\r\u001B[K"),
  };
}
