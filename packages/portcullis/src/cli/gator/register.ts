// gator's commands with its flags. Their words are the peer's; what happens lies in a file per command, loaded when it is
// called. Wrong usage ends with exit code 1, as there. Gatekeeper: cmd/gator.

import { Command, type CommanderError } from "commander";
import type {
  GatorBenchFlags,
  GatorExpandFlags,
  GatorSyncTestFlags,
  GatorTestFlags,
  GatorVerifyFlags,
} from "../flags.ts";
import { takeAsCobra } from "../cobra.ts";
import { CommandFailed } from "../kyverno/exit.ts";
import { registerPolicy } from "./policy/register.ts";

/** Adds `gator` with its commands. */
export function registerGator(program: Command): void {
  const gator = own(new Command("gator")).description("gator's commands, with its flags, output and exit codes");
  // `-v` is the version before a command and `--verbose` behind one.
  for (const command of [program, gator]) command.enablePositionalOptions();
  gator.version(versionLine, "-v, --version", "version for gator");
  gator.argument("[command]").action((command?: string) => {
    if (command === undefined) gator.outputHelp();
    else refuse(`unknown command ${JSON.stringify(command)} for "gator"\nRun 'gator --help' for usage.`);
  });
  program.addCommand(gator);
  addTest(gator);
  addVerify(gator);
  addExpand(gator);
  addSync(gator);
  addBench(gator);
  registerPolicy(gator, own);
  own(gator.command("version"))
    .description("Prints the version")
    .option("--json", "print JSON instead of text", false)
    .action(async (options: { readonly json: boolean }) => {
      const { gatorVersion } = await import("./version.ts");
      process.exitCode = gatorVersion(options);
    });
}

/** As the release says it. Gatekeeper: pkg/version GetUserAgent. */
const versionLine =
  "gator version v3.23.1 (Feature State: beta), opa/v1.17.1, frameworks/v0.0.0-20260616163050-e1eaa1bf6d62";

function refuse(message: string): never {
  process.stderr.write(`Error: ${message}\n`);
  throw new CommandFailed("", 1);
}

/** Flags and errors of usage in gator's form: behind `Error:`, exit code 1. */
function own(command: Command): Command {
  takeAsCobra(command, refuse);
  return command.showHelpAfterError(true).exitOverride((error: CommanderError) => {
    throw new CommandFailed("", error.exitCode === 0 ? 0 : 1);
  });
}

function each(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

const none: readonly string[] = [];

const fileText = "a file or directory containing Kubernetes resources.  Can be specified multiple times.";

/** Where the objects come from; the letter for files is `-f` in some commands and `-n` in others. */
function withSources(command: Command, letter: "-f" | "-n"): Command {
  return command
    .option(`${letter}, --filename <path>`, fileText, each, none)
    .option(
      "-i, --image <url>",
      "a URL to an OCI image containing policies. Can be specified multiple times.",
      each,
      none,
    )
    .option(
      "-d, --tempdir <dir>",
      "Specifies the temporary directory to download and unpack images to, if using the --image flag. Optional.",
      "",
    );
}

function withNativeValidation(command: Command): Command {
  return command
    .option("--enable-k8s-native-validation [bool]", "enable the validating admission policy driver", "true")
    .option(
      "--default-k8s-native-validation-failure-policy <policy>",
      "Failure policy to use when a K8sNativeValidation source omits failurePolicy. Allowed values are Fail or Ignore.",
      "Fail",
    );
}

function addTest(gator: Command): void {
  withNativeValidation(withSources(own(gator.command("test")), "-f"))
    .description("test evaluates resources against policies as defined by constraint templates and constraints.")
    .option("-o, --output <format>", "Output format.  One of: json|yaml.", "")
    .option("-t, --trace", "include a trace for the underlying Constraint Framework evaluation.", false)
    .option("--stats", "include performance stats returned from the Constraint Framework.", false)
    .option("-v, --verbose", "print extended test output", false)
    .option("--deny-only", "output only denied constraints", false)
    .action(async (options: GatorTestFlags) => {
      const { gatorTest } = await import("./test.ts");
      process.exitCode = await gatorTest(options);
    });
}

function addExpand(gator: Command): void {
  withSources(own(gator.command("expand")), "-n")
    .description(
      "expand allow for testing generator resource expansion configs by expanding a generator resource and outputting the resultant resource(s)",
    )
    .option("-f, --format <format>", "Output format.  One of: json|yaml.", "")
    .option("-o, --outputfile <file>", "Output file path. If the file already exists, it will be overwritten.", "")
    .action(async (options: GatorExpandFlags) => {
      const { gatorExpand } = await import("./expand.ts");
      process.exitCode = await gatorExpand(options);
    });
}

function addVerify(gator: Command): void {
  withNativeValidation(own(gator.command("verify")))
    .description("verify suites of tests on Gatekeeper Constraints")
    .argument("<path>", "a suite, or a folder, which is searched with its sub-folders")
    .option("-r, --run <regex>", "regular expression which filters tests to run by name", "")
    .option("-v, --verbose", "print extended test output", false)
    .option("-t, --trace", "include a trace for the underlying constraint framework evaluation", false)
    .option("--kube-version <version>", "the Kubernetes version whose API the manifests are meant for")
    .action(async (path: string, options: GatorVerifyFlags) => {
      const { gatorVerify } = await import("./verify.ts");
      process.exitCode = gatorVerify(path, options);
    });
}

function addSync(gator: Command): void {
  const sync = own(gator.command("sync"))
    .description("Manage SyncSets and Config")
    .action(() => {
      process.stdout.write("Usage: gator sync test\n");
    });
  withSources(own(sync.command("test")), "-n")
    .description("Test that the provided SyncSet(s) and/or Config contain the GVKs required by the input templates.")
    .option(
      "-f, --force-omit-gvk-manifest",
      "Do not require a GVK manifest; if one is not provided, assume all GVKs listed in the requirements and configs are supported by the cluster under test.",
      false,
    )
    .action(async (options: GatorSyncTestFlags) => {
      const { gatorSyncTest } = await import("./sync.ts");
      process.exitCode = await gatorSyncTest(options);
    });
}

function addBench(gator: Command): void {
  withSources(own(gator.command("bench")), "-f")
    .description("Benchmark policy evaluation performance")
    .option("-e, --engine <engine>", "policy engine to benchmark. One of: rego|cel|all", "cel")
    .option("-n, --iterations <number>", "number of benchmark iterations to run.", "1000")
    .option("--warmup <number>", "number of warmup iterations before measurement.", "10")
    .option("-c, --concurrency <number>", "number of reviews that take turns.", "1")
    .option("-o, --output <format>", "output format. One of: table|json|yaml", "table")
    .option("--stats", "gather detailed statistics from the constraint framework.", false)
    .option("--memory", "count the bytes that reviews allocate.", false)
    .option("--save <file>", "save benchmark results to this file for future comparison (.json and .yaml).", "")
    .option("--compare <file>", "compare results against a baseline file (.json and .yaml).", "")
    .option("--threshold <percent>", "regression threshold percentage for comparison. Exit code 1 if exceeded.", "10")
    .option("--min-threshold <duration>", "the least latency difference to consider a regression (1ms).", "0")
    .action(async (options: GatorBenchFlags) => {
      const { gatorBench } = await import("./bench/bench.ts");
      process.exitCode = await gatorBench(options);
    });
}
