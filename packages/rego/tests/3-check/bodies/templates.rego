package a

p := $"a {input.x} b {q} c {count(input.y)} {1}"

default q := 1

r contains $"{x}-{f(x)}" if some x in input.xs

f(x) := x

---
data/"a"/"p" value __local9__
  __local12__ = {__local4__ | __local4__ = input.x}
  __local13__ = data.a.q
  __local15__ = {__local5__ | __local14__ = input.y; count(__local14__, __local8__); __local5__ = __local8__}
  __local16__ = {__local6__ | __local6__ = 1}
  internal.template_string(["a ", __local12__, " b ", {__local13__}, " c ", __local15__, " ", __local16__], __local9__)

data/"a"/"q" value 1
  true

data/"a"/"r" key __local11__
  __local2__ = input.xs[__local1__]
  __local17__ = {__local7__ | data.a.f(__local2__, __local10__); __local7__ = __local10__}
  internal.template_string([{__local2__}, "-", __local17__], __local11__)

data/"a"/"f"(__local3__) value __local3__
  true
