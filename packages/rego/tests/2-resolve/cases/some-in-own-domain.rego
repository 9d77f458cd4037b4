package a

p if {
  some x in [x]
}

q if {
  some i, x in {i: x}
}

---
4:3 rego_compile_error: var x assigned before
8:3 rego_compile_error: var i assigned before
8:3 rego_compile_error: var x assigned before
