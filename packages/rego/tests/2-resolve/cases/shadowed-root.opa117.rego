package a

input := 1

data contains 1

p if {
  input := 2
}

q if {
  some data in [1]
  data == 1
}

---
3:1 rego_compile_error: rules must not shadow input (use a different rule name)
5:1 rego_compile_error: rules must not shadow data (use a different rule name)
8:3 rego_compile_error: variables must not shadow input (use a different variable name)
