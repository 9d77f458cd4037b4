// Lines out of chunks of bytes. A line may be spread over any number of chunks, which may end within a character: bytes
// are only read as text once their line is complete.

/** Gives each complete line that a chunk ends; the rest waits. Throws when a line is longer than allowed. */
export function createLineSplitter(bytesMax: number): (chunk: Buffer) => readonly string[] {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  return (chunk) => {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const part = chunk.subarray(start, end);
      const line = waiting.length === 0 ? part : Buffer.concat([...waiting, part]);
      if (line.length > 0) lines.push(line.toString());
      waiting = [];
      waitingBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      waiting.push(chunk.subarray(start));
      waitingBytes += chunk.length - start;
      if (waitingBytes > bytesMax) throw new Error(`a line of a watch is longer than ${bytesMax} bytes`);
    }
    return lines;
  };
}

const newline = 0x0a;
