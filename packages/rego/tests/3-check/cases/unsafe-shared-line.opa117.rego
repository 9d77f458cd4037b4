package a

p if { x == 2 } q if { true }

r := y if true s if true

---
5:6 rego_unsafe_var_error: var y is unsafe
