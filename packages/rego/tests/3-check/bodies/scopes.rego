package a

import data.lib.names

p contains x if {
  some x in names
  y := [x | x := names[_]; x != "b"]
  every x in y { x > 1 }
  names[x] == y
}

f(x, [y, {"k": z}]) := out if {
  out := x + y + z
  some i
  input.xs[i] == x
} else := x if {
  x > 1
}

---
data/"a"/"p" key __local2__
  __local2__ = data.lib.names[__local1__]
  __local4__ = [__local3__ | __local3__ = data.lib.names[_]; neq(__local3__, "b")]
  __local12__ = __local4__
  every __local5__, __local6__ in __local12__ { gt(__local6__, 1) }
  data.lib.names[__local2__] = __local4__

data/"a"/"f"(__local7__, [__local8__, {"k": __local9__}]) value __local10__
  plus(__local7__, __local8__, __local13__)
  plus(__local13__, __local9__, __local14__)
  __local10__ = __local14__
  input.xs[__local11__] = __local7__
else(__local7__, [__local8__, {"k": __local9__}]) value __local7__
  gt(__local7__, 1)
