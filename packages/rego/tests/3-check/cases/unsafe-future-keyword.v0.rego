package a

p {
  every
}

q {
  contains == in
}

---
4:3 rego_unsafe_var_error: var every is unsafe (hint: `import future.keywords.every` to import a future keyword)
8:3 rego_unsafe_var_error: var contains is unsafe (hint: `import future.keywords.contains` to import a future keyword)
8:3 rego_unsafe_var_error: var in is unsafe (hint: `import future.keywords.in` to import a future keyword)
