package a

import future.keywords.not

p if not startswith(input.nope, "a")

q if not { x := input.y[_]; f(x) > 1 }

f(x) := x

---
data/"a"/"p" value true
  not {__local3__ = input.nope; startswith(__local3__, "a")}

data/"a"/"q" value true
  not {__local0__ = input.y[_]; data.a.f(__local0__, __local2__); gt(__local2__, 1)}

data/"a"/"f"(__local1__) value __local1__
  true
