package a

left if { {"k": x} = {k: v | some k, v in input.o}; x == 1 }

right if { {k: v | some k, v in input.o} = {"k": x}; x == 1 }

list if { [x] = {v | some v in input.o}; x == 1 }

lists if { {v | some v in input.o} = [x]; x == 1 }

---
3:11 rego_unsafe_var_error: var x is unsafe
9:12 rego_unsafe_var_error: var x is unsafe
