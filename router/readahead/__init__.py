"""Reads a model's files into the page cache before an engine needs them, and no more than there is room for.

`files` says which ones, `plan` how much of them, `wanted` for which switches (all pure); `reader` reads, on a
thread of its own; `ahead` follows the snapshot and says when. `idle` has files read that `predict` (pure)
expects to be wanted, based on the `habits` that were observed.
"""
