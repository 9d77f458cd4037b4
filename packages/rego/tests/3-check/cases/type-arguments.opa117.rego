package a

p if startswith(1, "a")

q := count(1)

r := 1 + "a"

s := sum(["a"])

t := concat(1, ["a"])

u := lower(null)

v := {1} & [1]

w := 1 - {1}

x := sprintf("%d", 1)

y := {"a": 1} | {1}

---
3:6 rego_type_error: startswith: invalid argument(s)
	have: (number, string)
	want: (search: string, base: string, result: boolean)
5:6 rego_type_error: count: invalid argument(s)
	have: (number, ???)
	want: (collection: any<string, array[any], object[any: any], set[any]>, n: number)
7:6 rego_type_error: plus: invalid argument(s)
	have: (number, string, ???)
	want: (x: number, y: number, z: number)
9:6 rego_type_error: sum: invalid argument(s)
	have: (array<string>, ???)
	want: (collection: any<array[number], set[number]>, n: number)
11:6 rego_type_error: concat: invalid argument(s)
	have: (number, array<string>, ???)
	want: (delimiter: string, collection: any<array[string], set[string]>, output: string)
13:6 rego_type_error: lower: invalid argument(s)
	have: (null, ???)
	want: (x: string, y: string)
15:6 rego_type_error: and: invalid argument(s)
	have: (set[number], array<number>, ???)
	want: (x: set[any], y: set[any], z: set[any])
19:6 rego_type_error: sprintf: invalid argument(s)
	have: (string, number, ???)
	want: (format: string, values: array[any], output: string)
21:6 rego_type_error: or: invalid argument(s)
	have: (object<a: number>, set[number], ???)
	want: (x: set[any], y: set[any], z: set[any])
