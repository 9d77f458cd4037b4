package a

p if { every x, x in input { x } }

---
- rego_compile_error: var x declared above
