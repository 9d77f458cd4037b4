package a

p if {
  walk(input, [path, value])
  upper(path)
  value > 1
}

q if {
  [path, _] := walk(input)[_]
  path == 1
}

---
5:3 rego_type_error: upper: invalid argument(s)
	have: (array[any])
	want: (x: string, y: string)
