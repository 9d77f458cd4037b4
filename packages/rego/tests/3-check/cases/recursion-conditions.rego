package a

p if {
  x := input.pkg
  y := input.name
  data[x][y]
}

---
3:1 rego_recursion_error: rule data.a.p may be recursive: data.a.p -> data.a.p (data[x][y] refers to data.a.p if x is "a" (x comes from input.pkg) and y is "p" (y comes from input.name))
