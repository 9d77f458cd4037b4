package a

# OPA forgets that _ is unsafe when it has looked at the closure, and so do we where there is more to say.
p if { q := 1; not {_, [x | x = y; z = q]} }

---
4:29 rego_unsafe_var_error: var x is unsafe
4:29 rego_unsafe_var_error: var y is unsafe
