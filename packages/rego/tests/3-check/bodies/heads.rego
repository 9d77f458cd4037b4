package a

p := input.x

q[input.y].r := {"k": data.b.v}

s contains {"a": count(input.z), "b": [x | x := input.xs[_].y]}

default t := 1

u := f(g(1)) + 2

f(x) := x

g(x) := x

---
data/"a"/"p" value __local8__
  __local8__ = input.x

data/"a"/"q"/__local0__/"r" key "r" value __local9__
  __local0__ = input.y
  __local11__ = data.b.v
  __local9__ = {"k": __local11__}

data/"a"/"s" key __local10__
  __local12__ = input.z
  count(__local12__, __local4__)
  __local13__ = [__local1__ | __local1__ = input.xs[_].y]
  __local10__ = {"a": __local4__, "b": __local13__}

data/"a"/"t" value 1
  true

data/"a"/"u" value __local7__
  data.a.g(1, __local5__)
  data.a.f(__local5__, __local6__)
  plus(__local6__, 2, __local7__)

data/"a"/"f"(__local2__) value __local2__
  true

data/"a"/"g"(__local3__) value __local3__
  true
