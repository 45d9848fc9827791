"""Reads a model's files into the page cache before an engine needs them, and never more than there is room for.

`files` says which they are, `plan` how much of them (both pure); `reader` reads on a thread of its own; `ahead`
follows the snapshot and says when.
"""
