// `orValue` as Kyverno has it: what is no optional is its own value, and what it comes to is of any type.
// Kyverno: pkg/cel/compiler/env.go OrValueCompatEnvOptions.

import { type Library, Optional, type Value, types } from "@portcullis/cel";

export const orValueLibrary: Library = {
  name: "kyverno.orValue",
  overloads: [
    {
      id: "__orValueCompat___dyn_dyn",
      function: "__orValueCompat__",
      member: false,
      parameters: [types.dyn, types.dyn],
      result: types.dyn,
      run: ([value, other]) => {
        if (!(value instanceof Optional)) return value as Value;
        return value.value === undefined ? (other as Value) : value.value;
      },
    },
  ],
  // The parser puts the function in the place of the method.
  macros: ["orValue:1:true"],
};
