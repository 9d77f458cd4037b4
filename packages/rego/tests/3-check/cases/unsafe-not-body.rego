package a

import future.keywords.not

p if {
  not x > 1
}

q if {
  not { y := 1; y > z }
}

r if {
  not { input.x[i]; i > 1 }
}

---
6:3 rego_unsafe_var_error: var x is unsafe
10:17 rego_unsafe_var_error: var z is unsafe
