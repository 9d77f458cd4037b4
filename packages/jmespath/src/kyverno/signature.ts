// Short names for the parameters of Kyverno's functions.

import type { ArgumentType } from "../functions/function.ts";

export const text: readonly ArgumentType[] = ["string"];
export const number: readonly ArgumentType[] = ["number"];
export const textOrNumber: readonly ArgumentType[] = ["string", "number"];
export const list: readonly ArgumentType[] = ["array"];
export const object: readonly ArgumentType[] = ["object"];
export const objectOrList: readonly ArgumentType[] = ["object", "array"];
export const anything: readonly ArgumentType[] = ["any"];
