package a

import rego.v2

p if {
  x > 1 or y > 1
}

q if {
  {z := 1; z > 1} and w
}

---
6:3 rego_unsafe_var_error: var x is unsafe
6:3 rego_unsafe_var_error: var y is unsafe
10:3 rego_unsafe_var_error: var w is unsafe
