package a

import data.foo
import data.bar.foo
import data.x as y
import input.y

p := foo

q := y

---
4:1 rego_compile_error: import must not shadow import data.foo
6:1 rego_compile_error: import must not shadow import data.x as y
