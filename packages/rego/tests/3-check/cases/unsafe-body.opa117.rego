package a

p if x

q if x > 1

r if {
  not input.l[_] == 1
}

s if {
  not input.l[i] == 1
  i > 1
}

t if {
  y = z
}

u if {
  x := y
  y := x
}

---
22:3 rego_compile_error: var y referenced above
