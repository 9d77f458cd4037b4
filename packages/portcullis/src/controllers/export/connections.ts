// Which connection violations are exported through: the Connection of the name that was set, of those in the policies. Its
// errors are told, as are those of writing; neither holds the audit up. Drivers other than `disk` are refused in words:
// `dapr` publishes to a sidecar, which nobody has here.
// Of a path that is no longer wanted only the channel's folder is removed: Gatekeeper removes the whole path, whatever it is.
// Gatekeeper: pkg/controller/export, pkg/export/system.go.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { gvkOf, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { AuditRun } from "../audit/options.ts";
import { type DiskConfig, readDiskConfig, writeRun } from "./disk.ts";
import { exportMessages } from "./messages.ts";

export interface ExportSettings {
  /** The name of the Connection. Gatekeeper: --audit-connection. */
  readonly connection: string;
  /** The folder below its path. Gatekeeper: --audit-channel. */
  readonly channel: string;
}

export interface Exporter {
  /** Writes a run through the connection of that moment; null, or why it could not. */
  export(run: AuditRun): Promise<string | null>;
}

interface Closed {
  readonly path: string;
  readonly untilMs: number;
}

export function createExporter({ connection, channel }: ExportSettings, nowMs: () => number): Exporter {
  let open: DiskConfig | null = null;
  let closed: readonly Closed[] = [];
  const turnTo = async (next: DiskConfig | null): Promise<void> => {
    if (open !== null && open.path !== next?.path)
      closed = [...closed, { path: join(open.path, channel), untilMs: nowMs() + open.closedConnectionTtlMs }];
    open = next;
    const kept = await Promise.all(closed.map(async (one) => ((await isRemoved(one.path)) ? [] : [one])));
    closed = kept.flat().filter(({ untilMs }) => untilMs > nowMs());
  };
  return {
    export: async (run) => {
      const config = configOf(run, connection);
      await turnTo(typeof config === "string" ? null : config);
      if (typeof config === "string") return config;
      try {
        await writeRun(config, channel, { id: run.id, messages: exportMessages(run) });
        return null;
      } catch (error) {
        return (error as Error).message;
      }
    },
  };
}

async function isRemoved(path: string): Promise<boolean> {
  try {
    await rm(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

function configOf({ policies }: AuditRun, name: string): DiskConfig | string {
  const objects = policies.set.sources.map(({ object }) => object);
  const found = objects.find((object) => gvkOf(object).group === "connection.gatekeeper.sh" && nameOf(object) === name);
  if (found === undefined) return `connection not found: ${name}`;
  const driver = stringAt(found, "spec", "driver");
  if (driver !== "disk") return `driver ${driver} is not supported: violations are exported to disk`;
  const config = readDiskConfig(valueAt(found, "spec", "config"));
  return typeof config === "string" ? `error creating connection ${name}: ${config}` : config;
}
