"""Slots at run time: who is served, who waits, when a slot switches, and carrying that out (`supervisor`).

`scheduler` is told events with the time (`acquire`, `release`, `load`, `engine_ready`, `tick`, …) and answers
with effects (`Grant`, `Refuse`, `CheckModel`, `StartEngine`, `StopEngine`, `AbortLeases`, `Done`). It does no
I/O, so a property test drives it through random interleavings: two engines at most, every ticket one outcome,
leases balance, nobody waits for nothing.

The rules are `scheduler`'s. A slot's phases (`machine.FOLLOWING` is the whole table; a test takes each step):

    unloaded, ready, failed ─▶ queued ─▶ draining ─▶ stopping ─▶ starting ─▶ loading ─▶ warming ─▶ ready
                                 └─ nothing runs, or beside it ─────▲
    unload    ready ─▶ draining ─▶ stopping ─▶ unloaded
    give up   queued, draining ─▶ ready      starting … warming ─▶ stopping ─▶ starting (model before), unloaded
              what ran before loads beside: starting … warming ─▶ ready
    turn      stopping ─▶ queued (another model is wanted, and not checked yet)
    fail      queued ─▶ ready, failed        starting … warming ─▶ starting (model before), ready, failed
    die       ready ─▶ failed                draining ─▶ starting, unloaded

- A model is validated (flags by llama-server's own parser, the file's header) before anything that runs is
  touched.
- During draining no new lease is granted for the old model, so no model is starved.
- `limits.wait` bounds waiting for a turn. A load that has begun is waited for, however long: only an exit or
  a stall of every sign of life (log, CPU, reads, memory) ends it.
- When failures keep requests away from a model, and what closes the case, is `failures`'.
"""
