package a

import rego.v2

p if {
  x := input.x
  x.a or {y := x.b; y > 1}
}

q if not (input.a and count(input.b) > 1)

---
data/"a"/"p" value true
  __local0__ = input.x
  __local0__.a or { __local1__ = __local0__.b; gt(__local1__, 1) }

data/"a"/"q" value true
  not (input.a and { __local3__ = input.b; count(__local3__, __local2__); gt(__local2__, 1) })
