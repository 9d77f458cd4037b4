// Columns as Go's text/tabwriter aligns them with a padding of two blanks: cells end at tabs, the last cell of a line
// belongs to no column, and a column is as wide as the widest cell of the lines that follow each other with it.
// Go: text/tabwriter (minwidth 0, padding 2, no flags).

const padding = 2;

export function alignTabs(text: string): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const columns = Math.max(...lines.map((cells) => cells.length)) - 1;
  for (let column = 0; column < columns; column++) alignColumn(lines, column);
  return lines.map((cells) => cells.join("")).join("\n");
}

function alignColumn(lines: string[][], column: number): void {
  for (let from = 0; from < lines.length; from++) {
    let to = from;
    while (to < lines.length && column < (lines[to]?.length ?? 0) - 1) to++;
    const run = lines.slice(from, to);
    const width = Math.max(0, ...run.map((cells) => characters(cells[column] ?? ""))) + padding;
    for (const cells of run) {
      const cell = cells[column] ?? "";
      cells[column] = cell + " ".repeat(width - characters(cell));
    }
    from = Math.max(from, to - 1);
  }
}

function characters(text: string): number {
  return Array.from(text).length;
}
