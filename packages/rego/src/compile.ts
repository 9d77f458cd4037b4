// Text to Program. Each phase takes what the one before it made and gives back what it could make and what it found
// wrong; the first phase with an error is the last. This is the one file that knows the order of the phases.

import { type Diagnostic, errorAt, hasError, type Out } from "@portcullis/lang";
import { parseModule, parseQuery } from "./1-parse/parser.ts";
import { resolve } from "./2-resolve/resolve.ts";
import { check } from "./3-check/check.ts";
import { plan } from "./4-plan/plan.ts";
import { emit } from "./5-emit/emit.ts";
import { link } from "./5-emit/link.ts";
import type { Body, Checked, Module } from "./ast.ts";
import type { Builtin } from "./builtins/builtin.ts";
import { parseModuleBuiltin } from "./builtins/regoparse.ts";
import { lookup } from "./builtins/registry.ts";
import { lookupOlder } from "./builtins/older.ts";
import { planText } from "./plantext.ts";
import type { Environment } from "./environment.ts";
import type { Compile, CompileRequest, Program, RegoText } from "./program.ts";
import { compareStrings } from "./runtime/compare.ts";

/** Modules and a query or entry points to a program. Never throws at its user: what is wrong is in the diagnostics. */
export const compile: Compile = (request) => {
  const { value, diagnostics } = compileToChecked(request);
  if (value === null) return { value: null, diagnostics };
  const environment = environmentOf(request);
  const planned = plan(value, planOptions(request, environment));
  const whole = planned.value;
  if (whole === null) return { value: null, diagnostics: [...diagnostics, ...planned.diagnostics] };
  const emitted = emit(whole, emitOptions(request));
  const program: Program = link(emitted, request.load, () => planText(whole));
  return { value: program, diagnostics };
};

/** The phases that can find something wrong: what `opa check` does. */
export function compileToChecked(request: Omit<CompileRequest, "load">): Out<Checked | null> {
  const environment = environmentOf(request);
  const parsed = parse(request);
  if (parsed.value === null) return { value: null, diagnostics: parsed.diagnostics };
  const resolved = resolve(parsed.value.modules, parsed.value.query, environment);
  const checked = resolved.value === null ? null : check(resolved.value, environment);
  const diagnostics = reported([...resolved.diagnostics, ...(checked?.diagnostics ?? [])]);
  return { value: hasError(diagnostics) ? null : (checked?.value ?? null), diagnostics };
}

interface Parsed {
  readonly modules: readonly Module[];
  readonly query: Body | null;
}

/** Modules come in the order of their names, as OPA takes them, so that their order in the request changes nothing. */
function parse(request: Omit<CompileRequest, "load">): Out<Parsed | null> {
  const options = request.opa === undefined ? {} : { opa: request.opa };
  const modules = request.modules.map((one): Out<Module | null> =>
    isText(one) ? parseModule(one, options) : { value: one, diagnostics: [] },
  );
  const query = request.query === undefined ? null : parseQuery(request.query);
  const diagnostics = [...modules, ...(query === null ? [] : [query])].flatMap((one) => one.diagnostics);
  if (hasError(diagnostics)) return { value: null, diagnostics };
  const found = modules.flatMap((one) => one.value ?? []);
  const sorted = found.toSorted((a, b) => compareStrings(a.source.name, b.source.name));
  return { value: { modules: sorted, query: query?.value ?? null }, diagnostics };
}

function isText(one: RegoText | Module): one is RegoText {
  return !("rules" in one);
}

/** The one built-in that is a phase. */
const moduleParser = parseModuleBuiltin(parseModule);

function environmentOf(request: Omit<CompileRequest, "load">): Environment {
  const extra = new Map([moduleParser, ...(request.extra ?? [])].map((builtin) => [builtin.name, builtin]));
  const known = request.opa === "1.17" ? lookupOlder : lookup;
  const builtin = (name: string): Builtin | undefined => {
    if (request.disabled?.has(name) === true) return undefined;
    return extra.get(name) ?? known(name);
  };
  return { builtin, print: request.print === true, opa: request.opa ?? "1.22" };
}

function planOptions(request: CompileRequest, environment: Environment): Parameters<typeof plan>[1] {
  return {
    lookup: environment.builtin,
    entrypoints: request.entrypoints ?? [],
    ...emitOptions(request),
  };
}

function emitOptions(request: CompileRequest): NonNullable<Parameters<typeof emit>[1]> {
  return { trace: request.trace === true, strictBuiltinErrors: request.strictBuiltinErrors === true };
}

/** More errors than this are not reported. OPA: CompileErrorLimitDefault. */
const errorLimit = 10;

/** In the order of the text; what has no place comes last. */
function reported(found: readonly Diagnostic[]): readonly Diagnostic[] {
  const sorted = found.slice(0, errorLimit).toSorted(byPlace);
  if (found.length < errorLimit) return sorted;
  return [...sorted, errorAt("rego_compile_error", null, "error limit reached")];
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  const byText = compareStrings(a.code + a.message, b.code + b.message);
  if (a.span === null || b.span === null) return Number(a.span === null) - Number(b.span === null) || byText;
  return compareStrings(a.span.source.name, b.span.source.name) || a.span.start - b.span.start || byText;
}
