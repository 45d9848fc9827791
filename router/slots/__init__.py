"""Slots at run time: who is served, who waits, when a slot switches, and carrying that out (`supervisor`).

`scheduler` is told events with the time (`acquire`, `release`, `load`, `engine_ready`, `tick`, …) and answers
with effects (`Grant`, `Refuse`, `CheckModel`, `StartEngine`, `StopEngine`, `AbortLeases`, `Done`). It does no
I/O, so a property test drives it through random interleavings: two engines at most, every ticket one outcome,
leases balance, nobody waits for nothing.

- A model is validated (flags by llama-server's own parser, the file's header) before anything that runs is
  touched.
- A person's command goes before all requests and refuses none: who waits for another model has its turn after
  it, unless the slot is pinned or switched by hand.
- Where both models fit, the new engine starts beside the old one, which still answers who names its model,
  and takes over when it is ready; the old one's requests end in their own time, or within `drain_timeout` of
  its place being needed. Else drain, stop, see the memory come back, start.
- A request addressed to the *slot* follows whatever switch is under way and never causes one. A request that
  names a *model* waits for its turn; everyone who waits for that model joins. During draining no new lease is
  granted for the old model, so no model is starved.
- `limits.wait` bounds waiting for a turn. A load that has begun is waited for, however long: only an exit or
  a stall of every sign of life (log, CPU, reads, memory) ends it.
- A failed or cancelled switch brings the previous model back; the error stays visible until the next success.
- When failures keep requests away from a model, and what closes the case, is `failures`'.
"""
