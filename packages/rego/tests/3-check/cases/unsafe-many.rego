package a

p if {
  a1 > 1
  a2 > 1
  a3 > 1
  a4 > 1
  a5 > 1
  a6 > 1
  a7 > 1
  a8 > 1
  a9 > 1
  b1 > 1
  b2 > 1
}

---
4:3 rego_unsafe_var_error: var a1 is unsafe
5:3 rego_unsafe_var_error: var a2 is unsafe
6:3 rego_unsafe_var_error: var a3 is unsafe
7:3 rego_unsafe_var_error: var a4 is unsafe
8:3 rego_unsafe_var_error: var a5 is unsafe
9:3 rego_unsafe_var_error: var a6 is unsafe
10:3 rego_unsafe_var_error: var a7 is unsafe
11:3 rego_unsafe_var_error: var a8 is unsafe
12:3 rego_unsafe_var_error: var a9 is unsafe
13:3 rego_unsafe_var_error: var b1 is unsafe
- rego_compile_error: error limit reached
