package a

p := x

q contains y if true

r[k] := v if v := 1

f(x) := z if x

s := [y]

t := {"a": b}

u.x[y].z := 1

---
3:6 rego_unsafe_var_error: var x is unsafe
5:12 rego_unsafe_var_error: var y is unsafe
7:3 rego_unsafe_var_error: var k is unsafe
9:9 rego_unsafe_var_error: var z is unsafe
11:7 rego_unsafe_var_error: var y is unsafe
13:12 rego_unsafe_var_error: var b is unsafe
15:5 rego_unsafe_var_error: var y is unsafe
