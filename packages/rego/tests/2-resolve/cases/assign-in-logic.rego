package a

import rego.v2

p if {
  x := 1 or true
}

q if {
  true and x := 1
}

---
6:3 rego_compile_error: cannot assign vars inside implicit or operand
10:12 rego_compile_error: cannot assign vars inside implicit and operand
