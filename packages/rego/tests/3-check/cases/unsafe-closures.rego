package a

p if {
  xs := [x | x > y]
  xs
}

q := [x | true]

r if {
  every x in xs { x > 1 }
}

s if {
  every x in [1] { x > y }
}

t := {k: v | k := 1}

u if {
  x := [1 | x]
}

---
4:14 rego_unsafe_var_error: var x is unsafe
4:14 rego_unsafe_var_error: var y is unsafe
8:6 rego_unsafe_var_error: var x is unsafe
11:14 rego_unsafe_var_error: var xs is unsafe
15:20 rego_unsafe_var_error: var y is unsafe
18:6 rego_unsafe_var_error: var v is unsafe
21:13 rego_unsafe_var_error: var x is unsafe
