// What the type parameters of an expression stand for, and whether a type fits another. A parameter without a type takes the
// one that it is compared with, and where two types fit that it was given, the more general; so comparing changes the
// substitution, and a comparison that fails takes back what it changed. cel-go: checker/types.go, checker/mapping.go.

import * as types from "../types.ts";
import type { Type } from "../types.ts";

export interface Substitution {
  readonly bound: Map<string, Type>;
  /** What was bound before, newest last, so that a comparison can be taken back. */
  readonly trail: (readonly [name: string, before: Type | undefined])[];
  /** Types that may yet be looked at. */
  stepsLeft: number;
}

/** Far more than any expression that is written by hand takes; about a second. */
const stepsMax = 20_000_000;

export const createSubstitution = (): Substitution => ({ bound: new Map(), trail: [], stepsLeft: stepsMax });

/** Ends the check of an expression whose types are too large. */
export class TooManySteps extends Error {}

function step(substitution: Substitution): void {
  if (substitution.stepsLeft-- <= 0) throw new TooManySteps();
}

export const isDyn = ({ kind }: Type): boolean => kind === "dyn" || kind === "any";
const isDynOrError = (type: Type): boolean => isDyn(type) || type.kind === "error";

/** Whether a value of each type may stand where that of the other list is wanted. */
export function isAssignableList(substitution: Substitution, from: readonly Type[], to: readonly Type[]): boolean {
  if (from.length !== to.length) return false;
  const { bound, trail } = substitution;
  const before = trail.length;
  if (areAssignable(substitution, from, to)) {
    trail.length = before;
    return true;
  }
  for (const [name, was] of trail.splice(before).toReversed()) {
    if (was === undefined) bound.delete(name);
    else bound.set(name, was);
  }
  return false;
}

export function isAssignable(substitution: Substitution, from: Type, to: Type): boolean {
  return isAssignableList(substitution, [from], [to]);
}

function areAssignable(substitution: Substitution, from: readonly Type[], to: readonly Type[]): boolean {
  return from.length === to.length && from.every((type, at) => fits(substitution, type, to[at] ?? types.errorType));
}

function fits(substitution: Substitution, from: Type, to: Type): boolean {
  step(substitution);
  if (to.kind === "parameter") {
    const { valid, known } = stands(substitution, from, to);
    if (valid || known) return valid;
  }
  if (from.kind === "parameter") return stands(substitution, to, from).valid;
  if (isDynOrError(from) || isDynOrError(to)) return true;
  if (from.kind === "null") return isNullable(to);
  if (to.kind === "null") return isNullable(from);
  switch (from.kind) {
    case "list":
      return to.kind === "list" && fits(substitution, from.element, to.element);
    case "map":
      return to.kind === "map" && areAssignable(substitution, [from.key, from.value], [to.key, to.value]);
    case "opaque":
      return (
        to.kind === "opaque" && from.name === to.name && areAssignable(substitution, from.parameters, to.parameters)
      );
    case "type":
      return to.kind === "type";
    case "struct":
      return to.kind === "struct" && from.name === to.name;
    default:
      return from.kind === to.kind;
  }
}

/** Whether the parameter may stand for the type, and whether it was bound already. */
function stands(
  substitution: Substitution,
  type: Type,
  parameter: Type & { readonly kind: "parameter" },
): { readonly valid: boolean; readonly known: boolean } {
  if (isExactly(type, parameter)) return { valid: true, known: true };
  const known = substitution.bound.get(parameter.name);
  if (known === undefined) {
    const valid = !occursIn(substitution, parameter, type);
    if (valid) bind(substitution, parameter.name, type);
    return { valid, known: false };
  }
  if (isExactly(type, known)) return { valid: true, known: true };
  if (!fits(substitution, type, known)) return { valid: false, known: true };
  const general = mostGeneral(type, known);
  if (!occursIn(substitution, parameter, general)) bind(substitution, parameter.name, general);
  return { valid: true, known: true };
}

function bind({ bound, trail }: Substitution, name: string, type: Type): void {
  trail.push([name, bound.get(name)]);
  bound.set(name, type);
}

/** Anything that is no plain value may be null. */
function isNullable(type: Type): boolean {
  switch (type.kind) {
    case "opaque":
    case "struct":
    case "any":
    case "duration":
    case "timestamp":
    case "null":
      return true;
    case "list":
    case "map":
    case "type":
    case "parameter":
      return false;
    default:
      return type.nullable === true;
  }
}

/** Whether a parameter is, or would become, part of the type. */
function occursIn(substitution: Substitution, parameter: Type, type: Type): boolean {
  step(substitution);
  if (isExactly(parameter, type)) return true;
  if (type.kind === "parameter") {
    const known = substitution.bound.get(type.name);
    return known !== undefined && occursIn(substitution, parameter, known);
  }
  return partsOf(type).some((part) => occursIn(substitution, parameter, part));
}

export function partsOf(type: Type): readonly Type[] {
  switch (type.kind) {
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
    case "type":
      return type.of === null ? [] : [type.of];
    case "opaque":
      return type.parameters;
    default:
      return [];
  }
}

/** The same but for whether they may be null. */
export function isExactly(one: Type, other: Type): boolean {
  if (one === other) return true;
  if (one.kind !== other.kind) return false;
  if ("name" in one && "name" in other && one.name !== other.name) return false;
  const parts = partsOf(one);
  const others = partsOf(other);
  return parts.length === others.length && parts.every((part, at) => isExactly(part, others[at] ?? types.errorType));
}

/** Of two types that fit each other. */
export function mostGeneral(one: Type, other: Type): Type {
  return isLessSpecific(one, other) ? one : other;
}

/** Or equally specific. */
function isLessSpecific(one: Type, other: Type): boolean {
  if (isDyn(one) || one.kind === "parameter") return true;
  if (isDyn(other) || other.kind === "parameter" || one.kind !== other.kind) return false;
  if (one.kind === "type") return true;
  if (one.kind !== "opaque" && one.kind !== "list" && one.kind !== "map") return isExactly(one, other);
  if (one.kind === "opaque" && other.kind === "opaque" && one.name !== other.name) return false;
  const parts = partsOf(one);
  const others = partsOf(other);
  return (
    parts.length === others.length && parts.every((part, at) => isLessSpecific(part, others[at] ?? types.errorType))
  );
}

/** With what its parameters stand for; with `toDyn`, parameters without a type are `dyn`. */
export function substitute(substitution: Substitution, type: Type, toDyn: boolean): Type {
  step(substitution);
  const inside = (part: Type): Type => substitute(substitution, part, toDyn);
  switch (type.kind) {
    case "parameter": {
      const known = substitution.bound.get(type.name);
      if (known !== undefined) return inside(known);
      return toDyn ? types.dyn : type;
    }
    case "list": {
      const element = inside(type.element);
      return element === type.element ? type : types.listOf(element);
    }
    case "map": {
      const key = inside(type.key);
      const value = inside(type.value);
      return key === type.key && value === type.value ? type : types.mapOf(key, value);
    }
    case "type": {
      const of = type.of === null ? null : inside(type.of);
      return of === type.of ? type : types.typeOf(of);
    }
    case "opaque": {
      const parameters = type.parameters.map(inside);
      return parameters.every((part, at) => part === type.parameters[at])
        ? type
        : types.opaque(type.name, ...parameters);
    }
    default:
      return type;
  }
}
