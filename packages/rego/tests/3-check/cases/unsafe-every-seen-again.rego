package a

key if { every y, x in y { x == y } }

declared if { every x in input[w] { w := x; w == 1 }; w == "a" }

assigned if { every z in input { x := {x: 1 | [x] = z}; x } }

before if { every z in input { y := {x: 1 | [x] = z}; y } }

---
3:10 rego_unsafe_var_error: var y is unsafe
5:55 rego_unsafe_var_error: var w is unsafe
7:34 rego_unsafe_var_error: var x is unsafe
