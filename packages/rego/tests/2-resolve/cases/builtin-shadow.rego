package a

p if {
  count = 1
  count == 1
}

q := x if {
  upper = "a"
  x := lower(upper)
}

max(x) := x

r := max(1)

s := max([1], 2, 3)

---
17:6 rego_type_error: function data.a.max has arity 1, got 3 arguments
