package a

p[x] { x := input.xs[_]; not q[x] }

q[k] = v { v := input.ys[k] }

r { input.zs[i] == input.zs[j]; i != j }

s = x { x := count(p) } else = 2 { true }

---
data/"a"/"p" key __local0__
  __local0__ = input.xs[_]
  not data.a.q[__local0__]

data/"a"/"q"/k key k value __local1__
  __local1__ = input.ys[k]

data/"a"/"r" value true
  input.zs[i] = input.zs[j]
  neq(i, j)

data/"a"/"s" value __local2__
  __local4__ = data.a.p
  count(__local4__, __local3__)
  __local2__ = __local3__
else value 2
  true
