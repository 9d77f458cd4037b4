package a

p := 1 + "a"

q := p + 1

r := upper(s)

s := 1

t := upper(v)

v := "a" if input.x

v := 1 if input.y

w := upper(z)

z := 1 if input.x else := 2

---
3:6 rego_type_error: plus: invalid argument(s)
	have: (number, string, ???)
	want: (x: number, y: number, z: number)
7:6 rego_type_error: upper: invalid argument(s)
	have: (number, ???)
	want: (x: string, y: string)
17:6 rego_type_error: upper: invalid argument(s)
	have: (number, ???)
	want: (x: string, y: string)
