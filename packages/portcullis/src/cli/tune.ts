// How V8 is set for commands that read files, decide and end.

import { setFlagsFromString } from "node:v8";

/**
 * Such a run is over before TurboFan's code pays for its making, and a young generation that does not grow keeps the
 * memory low: a thousand objects against fifty policies take a fifth less CPU time and a third less memory, eight
 * thousand a twentieth more time.
 */
export function tuneForOneRun(): void {
  setFlagsFromString("--no-turbofan");
  setFlagsFromString("--no-sparkplug");
  setFlagsFromString("--semi-space-growth-factor=1");
}
