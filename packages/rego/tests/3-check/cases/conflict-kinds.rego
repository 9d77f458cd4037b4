package a

p contains 1

p := 1

f(x) := 1

f(x, y) := 1

q.a contains 1

q[x] contains y if {
  x := "a"
  y := 1
}

r := 1

r[x] := 2 if x := "b"

f2(x) := 1

f2 := 3

---
3:1 rego_type_error: conflicting rules data.a.p found
7:1 rego_type_error: conflicting rules data.a.f found
18:1 rego_type_error: conflicting rules data.a.r[x] found
22:1 rego_type_error: conflicting rules data.a.f2 found
