// Colors as Kyverno's command line has them: words only on a terminal, the table's heads always, nothing with
// --remove-color. Kyverno: cmd/cli/kubectl-kyverno/output/color, github.com/fatih/color.

export interface Paint {
  readonly name: (text: string) => string;
  readonly pass: (text: string) => string;
  readonly fail: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly head: (text: string) => string;
}

export interface PaintOptions {
  readonly removeColor: boolean;
  /** Whether standard output is a terminal that shows colors. */
  readonly terminal: boolean;
}

export function createPaint({ removeColor, terminal }: PaintOptions): Paint {
  const words = terminal && !removeColor;
  const bold = (code: number) => (text: string) => (words ? `\u001B[${code};1m${text}\u001B[0;22m` : text);
  return {
    name: bold(36),
    pass: bold(32),
    fail: bold(31),
    warn: bold(33),
    head: (text) => (removeColor ? text : `\u001B[40;32m${text}\u001B[0m`),
  };
}

/** The text without its colors. */
export function withoutColors(text: string): string {
  // oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
  return text.replaceAll(/\u001B\[[0-9;]*m/g, "");
}
