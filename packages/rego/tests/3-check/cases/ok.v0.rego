package a

p[x] { x := input.y[_]; not q[x] }

q["a"]

r = x { x := count(p) } else = 2 { true }

s := any([true])

---
