// Kyverno's commands with its flags. Their words are the peer's; what happens lies in a file per command, loaded when it is
// called. Wrong usage ends with exit code 1, as there.

import { Command, type CommanderError } from "commander";
import { takeAsCobra } from "../cobra.ts";
import type { KyvernoApplyFlags, KyvernoTestFlags } from "../flags.ts";
import { CommandFailed, run, runLong } from "./exit.ts";

/** Adds `kyverno` with its commands. */
export function registerKyverno(program: Command): void {
  const kyverno = ofCommands(new Command("kyverno")).description(
    "kyverno's commands, with its flags, output and exit codes",
  );
  program.addCommand(kyverno.helpCommand(true));
  addTest(kyverno);
  addApply(kyverno);
  addJmesPath(kyverno);
  addCreate(kyverno);
  addUnbuilt(kyverno);
  own(kyverno.command("version"))
    .description("Prints the version of Kyverno CLI.")
    .action(async () => {
      const { version } = await import("./version.ts");
      process.exitCode = run(version);
    });
}

/** Commands that Kyverno has and we have not: they say what to do instead. */
const unbuilt: Readonly<Record<string, string>> = {
  fix: "policies and tests are taken as they are; `portcullis lint` says what is deprecated in them",
  oci: "policies are not pushed to or pulled from registries",
  docs: "the flags are in `portcullis kyverno COMMAND --help`",
  migrate: "an API server stores the versions of Kyverno's kinds",
  completion: "shells are not told the commands",
};

function addUnbuilt(kyverno: Command): void {
  for (const [name, why] of Object.entries(unbuilt)) {
    own(kyverno.command(name, { hidden: true }))
      .argument("[argument...]")
      .allowUnknownOption()
      .action(() => {
        process.exitCode = run(() => {
          throw new CommandFailed(`kyverno ${name} is not built: ${why}`);
        });
      });
  }
}

/** Errors of usage in Kyverno's form. */
function own(command: Command): Command {
  takeAsCobra(command, refuse);
  return command
    .showHelpAfterError(false)
    .exitOverride((error: CommanderError) => {
      throw new CommandFailed("", error.exitCode === 0 ? 0 : 1);
    })
    .option("-v, --v <level>", "number for the log level verbosity; nothing is logged");
}

function refuse(message: string): never {
  process.stderr.write(`Error: ${message}\n`);
  throw new CommandFailed("", 1);
}

/** Alone it prints its help. */
function ofCommands(command: Command): Command {
  return own(command).action(() => command.outputHelp());
}

function wholeNumber(value: string): number {
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  const reason = `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`;
  return refuse(`invalid argument ${JSON.stringify(value)} for "--warn-exit-code" flag: ${reason}`);
}

/** A flag that may be given more than once, each time with several values between commas. */
function slice(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, ...value.split(",")];
}

function each(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}

const none: readonly string[] = [];

function addTest(kyverno: Command): void {
  own(kyverno.command("test"))
    .description("Run tests from a local filesystem.")
    .argument("<folder...>", "folders, which are searched with their sub-folders")
    .option("-f, --file-name <name>", "Test filename", "kyverno-test.yaml")
    .option("-b, --git-branch <branch>", "Test github repository branch", "")
    .option("-t, --test-case-selector <selector>", "Filter test cases to run", "policy=*,rule=*,resource=*")
    .option("-o, --output-format <format>", "Specifies the output format (json, yaml, markdown, junit)", "")
    .option("--registry", "access the image registry: not built yet", false)
    .option("--fail-only", "If set to true, display all the failing test only as output for the test command", false)
    .option("--remove-color", "Remove any color from output", false)
    .option("--detailed-results", "If set to true, display detailed results", false)
    .option("--require-tests", "If set to true, return an error if no tests are found", false)
    .option("--warnings-as-errors", "Treat deprecation warnings as errors", false)
    .action(async (folders: string[], flags: KyvernoTestFlags) => {
      const { kyvernoTest } = await import("./test.ts");
      process.exitCode = run(() => kyvernoTest(folders, flags));
    });
}

function addApply(kyverno: Command): void {
  own(kyverno.command("apply"))
    .description("Applies policies on resources.")
    .argument("[policy...]", "files and folders with policies, `-` for standard input")
    .option("-r, --resource <path>", "Path to resource files", slice, none)
    .option("--resources <path>", "Path to resource files", slice, none)
    .option("--target-resource <path>", "Path to files with targets of policies that have mutate existing", slice, none)
    .option("--target-resources <path>", "Path to a directory with targets", slice, none)
    .option("--json <path>", "Path to JSON payload files", slice, none)
    .option("-e, --exception <path>", "Policy exception to be considered", slice, none)
    .option("--exceptions <path>", "Policy exception to be considered", slice, none)
    .option("--exceptions-with-resources", "Evaluate policy exceptions from the resources path", false)
    .option("--exceptions-within-resources", "Evaluate policy exceptions from the resources path", false)
    .option("--exceptions-within-policies", "Evaluate policy exceptions from the policies path", false)
    .option("-s, --set <values>", "Variables that are required", slice)
    .option("-f, --values-file <path>", "File containing values for policy variables", "")
    .option("-u, --userinfo <path>", "Admission Info including Roles, Cluster Roles and Subjects", "")
    .option("-o, --output <path>", "Prints the mutated/generated resources in provided file/directory", "")
    .option("-p, --policy-report", "Generates policy report when passed", false)
    .option("--output-format <format>", "Specifies the policy report format (json or yaml)", "yaml")
    .option("-t, --table", "Show results in table format", false)
    .option("--detailed-results", "If set to true, display detailed results", false)
    .option("--remove-color", "Remove any color from output", false)
    .option("-i, --stdin", "Optional mutate policy parameter to pipe directly through to kubectl", false)
    .option("--audit-warn", "If set to true, will flag audit policies as warnings instead of failures", false)
    .option("--warn-exit-code <code>", "Set the exit code for warnings", wholeNumber, 0)
    .option("--warn-no-pass", "Raise the warning exit code if no objects satisfied a policy", false)
    .option("--warnings-as-errors", "Treat deprecation warnings as errors", false)
    .option("--continue-on-fail", "Continue with the next resource upon failure", false)
    .option("--generate-exceptions", "Generate policy exceptions for each violation", false)
    .option("--generated-exception-ttl <duration>", "Default TTL for generated exceptions", "720h0m0s")
    .option("-c, --cluster", "Checks if policies should be applied to cluster in the current context", false)
    .option("-n, --namespace <name>", "Optional Policy parameter passed with cluster flag", "")
    .option("--cluster-wide-resources", "If set to true, will apply policies to cluster-wide resources", false)
    .option("--parameter-resource <path>", "parameters of admission policies: not built yet", slice, none)
    .option("--http-payload <path>", "not built yet", slice, none)
    .option("--envoy-payload <path>", "not built yet", slice, none)
    .option("--context-file <path>", "File containing context data for CEL policies", "")
    .option("--crd-paths <path>", "CRD files", slice, none)
    .option("--crd-path <path>", "CRD files", slice, none)
    .option("--registry", "access the image registry: not built yet", false)
    .option("--kubeconfig <path>", "path to kubeconfig file", "")
    .option("--context <name>", "The name of the kubeconfig context to use", "")
    .option("-b, --git-branch <branch>", "git repositories are not read", "")
    .option("--username <name>", "git repositories are not read", "")
    .option("--password <password>", "git repositories are not read", "")
    .option("--concurrent <number>", "Number of workers that load from a cluster", "1")
    .option("--batch-size <number>", "Number of resources to fetch per API call", "100")
    .option("--continue-on-error [bool]", "Continue processing despite resource loading errors", "true")
    .option("--show-performance", "Show resource loading performance metrics", false)
    .action(async (policies: string[], flags: KyvernoApplyFlags) => {
      const { kyvernoApply } = await import("./apply.ts");
      process.exitCode = await runLong(() => kyvernoApply(policies, flags));
    });
}

function addJmesPath(kyverno: Command): void {
  const jp = ofCommands(kyverno.command("jp")).description(
    "Provides a command-line interface to JMESPath, enhanced with Kyverno specific custom functions.",
  );
  own(jp.command("query"))
    .description("Provides a command-line interface to JMESPath, enhanced with Kyverno specific custom functions.")
    .argument("[query...]")
    .option("-c, --compact", "Produce compact JSON output that omits non essential whitespace", false)
    .option("-u, --unquoted", "If the final result is a string, it will be printed without quotes", false)
    .option("-q, --query <file>", "Read JMESPath expression from the specified file", slice, none)
    .option("-i, --input <file>", "Read input from a JSON or YAML file instead of stdin", "")
    .action(
      async (
        queries: string[],
        flags: { compact: boolean; unquoted: boolean; query: readonly string[]; input: string },
      ) => {
        const { jmesPathQuery } = await import("./jp.ts");
        process.exitCode = run(() => jmesPathQuery(queries, flags));
      },
    );
  own(jp.command("parse"))
    .description("Parses JMESPath expression and shows corresponding AST.")
    .argument("[expression...]")
    .option("-f, --file <file>", "Read input from a JSON or YAML file instead of stdin", slice, none)
    .action(async (expressions: string[], flags: { file: readonly string[] }) => {
      const { jmesPathParse } = await import("./jp.ts");
      process.exitCode = run(() => jmesPathParse(expressions, flags.file));
    });
  own(jp.command("function"))
    .description("Provides function informations.")
    .argument("[name...]")
    .action(async (names: string[]) => {
      const { jmesPathFunction } = await import("./jp.ts");
      process.exitCode = run(() => jmesPathFunction(names));
    });
}

function addCreate(kyverno: Command): void {
  const create = ofCommands(kyverno.command("create")).description(
    "Helps with the creation of various Kyverno resources.",
  );
  const toFile = ["-o, --output <path>", "Output path (uses standard console output if not set)"] as const;
  own(create.command("test"))
    .description("Create a Kyverno test file.")
    .option(...toFile)
    .option("-n, --name <name>", "Test name", "test-name")
    .option("-p, --policy <file>", "List of policy files", slice, none)
    .option("-r, --resource <file>", "List of resource files", slice, none)
    .option("-f, --values <file>", "Values file", "")
    .option("--pass <result>", "Expected `pass` results", each, none)
    .option("--fail <result>", "Expected `fail` results", each, none)
    .option("--skip <result>", "Expected `skip` results", each, none)
    .action(async (flags) => created("test", flags));
  own(create.command("exception"))
    .description("Create a Kyverno policy exception file.")
    .argument("<name>")
    .option(...toFile)
    .option("--namespace <name>", "Policy exception namespace", "")
    .option("-b, --background [bool]", "Set to false when policy shouldn't be considered in background scans", "true")
    .requiredOption("--policy-rules <rules>", "Policy name, followed by rule names", each)
    .option("--any <filter>", "List of resource filters", each, none)
    .option("--all <filter>", "List of resource filters", each, none)
    .action(async (name: string, flags) => created("exception", { ...flags, name }));
  own(create.command("values"))
    .description("Create a Kyverno values file.")
    .option(...toFile)
    .option("-n, --ns-selector <selector>", "Namespace selector", each, none)
    .option("-g, --global <value>", "Global value", slice, none)
    .option("--rule <values>", "Policy rule values", each, none)
    .option("--resource <values>", "Policy resource values", each, none)
    .action(async (flags) => created("values", flags));
  own(create.command("user-info"))
    .description("Create a Kyverno user-info file.")
    .option(...toFile)
    .option("-u, --username <name>", "User name", "")
    .option("-r, --role <role>", "Role", slice, none)
    .option("-c, --cluster-role <role>", "Cluster role", slice, none)
    .option("-g, --group <group>", "Group", slice, none)
    .action(async (flags) => created("user-info", flags));
  own(create.command("metrics-config"))
    .description("Create a Kyverno metrics-config file.")
    .option(...toFile)
    .option("-n, --name <name>", "Name", "kyverno-metrics")
    .option("--namespace <name>", "Namespace", "kyverno")
    .option("-i, --include <namespace>", "Included namespaces", slice, none)
    .option("-e, --exclude <namespace>", "Excluded namespaces", slice, none)
    .action(async (flags) => created("metrics-config", flags));
  own(create.command("cluster-role"))
    .description("Create an aggregated role for given resource types")
    .argument("<name>")
    .option(...toFile)
    .requiredOption("-g, --api-groups <group>", "API group for the resource (required)")
    .requiredOption("--verbs <verb>", "A list of verbs or 'all' for all verbs", each)
    .requiredOption("--resources <resource>", "A list of resources (required)", each)
    .option("--controllers <controller>", "List of controllers for the ClusterRole", each, none)
    .action(async (name: string, flags) => created("cluster-role", { ...flags, name }));
}

async function created(what: string, flags: unknown): Promise<void> {
  const { create } = await import("./create.ts");
  process.exitCode = run(() => create(what, flags));
}
