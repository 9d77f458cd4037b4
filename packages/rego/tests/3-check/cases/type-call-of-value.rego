package a

q := 1

r contains 2

s := input.s

p := q()

o := s()

n := count(r())

m if {
  every x in q() { x }
}

---
9:6 rego_type_error: undefined function data.a.q
13:12 rego_type_error: undefined function data.a.r
16:14 rego_type_error: undefined function data.a.q
