package a

p if data.b.q with input as {"x": input.y} with data.c as [input.z]

q if f(1) with f as g

r if count([1]) with count as 3

f(x) := x

g(x) := x

---
data/"a"/"p" value true
  __local4__ = input.y
  __local2__ = {"x": __local4__}
  __local5__ = input.z
  __local3__ = [__local5__]
  data.b.q with input as __local2__ with data.c as __local3__

data/"a"/"q" value true
  data.a.f(1) with data.a.f as data.a.g

data/"a"/"r" value true
  count([1]) with count as 3

data/"a"/"f"(__local0__) value __local0__
  true

data/"a"/"g"(__local1__) value __local1__
  true
