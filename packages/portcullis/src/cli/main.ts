#!/usr/bin/env node
// The command line. Each command lies in a file of its own and is loaded only when it is called, so that the start stays
// short. Exit codes everywhere: 0 nothing found, 1 findings or a failed run, 2 wrong usage or unreadable input; `gator`
// commands have gator's own.

import { Command, CommanderError, Option } from "commander";
import manifest from "portcullis/package.json" with { type: "json" };
import { reasonOf } from "../app/refusal.ts";
import { portNumber, withPaths } from "./arguments.ts";
import { registerGator } from "./gator/register.ts";
import { CommandFailed } from "./kyverno/exit.ts";
import { registerKyverno } from "./kyverno/register.ts";
import { registerCluster } from "./register-cluster.ts";
import { registerDecisions, registerServing } from "./register-serving.ts";
import { tuneFor } from "./tune.ts";
import { UsageError } from "./usage.ts";

// A reader such as `head` may go away before the end; that ends the run as SIGPIPE ends others.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(141);
  process.stderr.write(`standard output: ${reasonOf(error)}\n`);
  process.exit(2);
});
process.stderr.on("error", () => {});

const kyvernoAnswers = "answer as Kyverno where docs/compatibility.md gives a switch";

const outputs = ["text", "json", "sarif", "junit"] as const;

const { version, engines } = manifest;

const helpEnd = `
Exit codes: 0 nothing found, 1 findings or a failed run, 2 wrong usage or input that
cannot be read; those of gator and kyverno are the peers' own.`;

// npm only warns of a Node that is too old. Such a one lacks what policies are compiled to: each would be broken, and
// nothing refused.
const needed = engines.node.replace(">=", "");
if (isOlder(process.versions.node, needed)) {
  process.stderr.write(`portcullis needs Node ${needed} or newer; this is Node ${process.versions.node}\n`);
  process.exit(2);
}

const program = new Command("portcullis")
  .description("one policy engine for Kubernetes: runs Gatekeeper's and Kyverno's policies unchanged")
  .version(`portcullis ${version}`, "-V, --version")
  .addHelpText("after", helpEnd)
  .showHelpAfterError("(run with --help for usage)")
  .exitOverride()
  .hook("preAction", (_program, command) => tuneFor(nameOf(command)));

withPaths(program.command("test"), "files and folders with policies, objects or test files")
  .description("run the test files of both dialects, or decide about objects: from files, folders or standard input")
  .addOption(new Option("-o, --output <format>", "how to print the findings").choices(outputs).default("text"))
  .option("--deny-only", "print only what would be denied")
  .option("--lenient", "pass a test that tests nothing, as kyverno does")
  .option("--verbose", "name what passes, too")
  .option("--kyverno-answers", kyvernoAnswers)
  .option("--allow-external-data", "ask the external data providers that policies name, over the network")
  .action(
    async (
      paths: string[],
      options: {
        filename: string[];
        output: (typeof outputs)[number];
        denyOnly?: boolean;
        lenient?: boolean;
        verbose?: boolean;
        kyvernoAnswers?: boolean;
        allowExternalData?: boolean;
      },
    ) => {
      const { test } = await import("./commands/test.ts");
      process.exitCode = await test({
        paths: [...options.filename, ...paths],
        output: options.output,
        denyOnly: options.denyOnly === true,
        lenient: options.lenient === true,
        verbose: options.verbose === true,
        peerAnswers: options.kyvernoAnswers === true,
        asksProviders: options.allowExternalData === true,
      });
    },
  );

withPaths(program.command("apply"), "files and folders with policies and objects")
  .description("apply policies of both dialects to objects: from files, folders or standard input (`helm template`)")
  .addOption(
    new Option("-o, --output <format>", "how to print the results")
      .choices(["table", "json", "sarif", "junit", "policyreport"])
      .default("table"),
  )
  .option("--verbose", "show what passes and what is skipped, too")
  .option("--kyverno-answers", kyvernoAnswers)
  .action(
    async (
      paths: string[],
      options: {
        filename: string[];
        output: "table" | "json" | "sarif" | "junit" | "policyreport";
        verbose?: boolean;
        kyvernoAnswers?: boolean;
      },
    ) => {
      const { apply } = await import("./commands/apply.ts");
      process.exitCode = apply({
        paths: [...options.filename, ...paths],
        output: options.output,
        verbose: options.verbose === true,
        peerAnswers: options.kyvernoAnswers === true,
      });
    },
  );

withPaths(program.command("lint"), "files and folders with policies")
  .description("say what policies leave open, and what is wrong with them")
  .addOption(new Option("-o, --output <format>", "how to print the findings").choices(outputs).default("text"))
  .action(async (paths: string[], options: { filename: string[]; output: (typeof outputs)[number] }) => {
    const { lint } = await import("./commands/lint.ts");
    process.exitCode = lint({ paths: [...options.filename, ...paths], output: options.output });
  });

withPaths(program.command("explain"), "files and folders with templates, constraints and objects")
  .description("say why a constraint did or did not match an object, and which line of which rule produced a message")
  .option("--constraint <name>", "only this constraint: NAME or KIND/NAME")
  .option("--object <name>", "only this object: NAME, NAMESPACE/NAME or KIND/NAME")
  .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
  .action(
    async (
      paths: string[],
      options: { filename: string[]; constraint?: string; object?: string; output: "text" | "json" },
    ) => {
      const { explain } = await import("./commands/explain.ts");
      process.exitCode = explain({
        paths: [...options.filename, ...paths],
        constraint: options.constraint ?? null,
        object: options.object ?? null,
        output: options.output,
      });
    },
  );

registerServing(program, version);
registerDecisions(program);
registerCluster(program, version);

withPaths(program.command("review"), "a file with one object")
  .description("print the AdmissionReview that asks about an object, for curl")
  .option("--operation <operation>", "CREATE, UPDATE or DELETE", "CREATE")
  .action(async (paths: string[], options: { filename: string[]; operation: string }) => {
    const { review } = await import("./commands/review.ts");
    process.exitCode = review({ paths: [...options.filename, ...paths], operation: options.operation });
  });

program
  .command("demo")
  .description("run the webhook on the walkthroughs' policies, ask it about their objects, and stay up")
  .option("--port <number>", "the port to listen on, 0 for any", portNumber, 8443)
  .option("--once", "end after the answers")
  .action(async (options: { port: number; once?: boolean }) => {
    const { demoCommand } = await import("./commands/serve.ts");
    process.exitCode = await demoCommand({ port: options.port, once: options.once === true });
  });

program
  .command("shims")
  .description("write `gator` and `kyverno` into a folder, so that scripts that call them run this product")
  .argument("<dir>", "the folder, which then goes first in PATH")
  .action(async (dir: string) => {
    const { shims } = await import("./commands/shims.ts");
    process.exitCode = shims(dir);
  });

registerGator(program);
registerKyverno(program);

void program.parseAsync().catch((error: unknown) => {
  process.exitCode = exitCodeOf(error);
});

/** `kyverno test`. */
function nameOf(command: Command): string {
  const { parent } = command;
  return parent === null || parent === program ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

/** Compares `22.19.0` and `22.19` by their first two numbers. */
function isOlder(own: string, than: string): boolean {
  const [major = 0, minor = 0] = own.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = than.split(".").map(Number);
  return major === wantedMajor ? minor < wantedMinor : major < wantedMajor;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailed) return error.exitCode;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  return failedOn(error);
}

/** What nobody expected: the system's refusals in words, and our own mistakes in one line that says where they are. */
function failedOn(error: unknown): number {
  const { code, path, message, stack } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined) {
    process.stderr.write(`${path}: ${reasonOf(error)}\n`);
    return 2;
  }
  const [, place = ""] = /\n +at (.*)/.exec(stack ?? "") ?? [];
  process.stderr.write(`this is a mistake of portcullis ${version}, please report it: ${message} (at ${place})\n`);
  return 1;
}
