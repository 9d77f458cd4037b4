package a

p if {
  input.x with foo as 1 with bar as 2
  input.y with baz as 1
}

---
4:16 rego_type_error: with keyword target must reference existing input, data, or a function
