package a

import data.b.c
import input.d as e

p := c.x + e

q(c) := c

r if {
  some c in [1]
  c == 1
}

s := [c | c := 1]

t if c == e.f

u := c(1)

---
19:6 rego_type_error: undefined function data.b.c
