package a

p if {
  [x, "a"] = [1, y]
  x == y
}

q if {
  {"a": x} = {"a": 1}
  upper(x)
}

r if {
  [x, y] = [1]
}

s if {
  x = [y, 1]
  y = "a"
  sum(x)
}

---
14:3 rego_unsafe_var_error: var x is unsafe
14:3 rego_unsafe_var_error: var y is unsafe
