"""How much memory there is, what a model will take, and who may load.

- What a load needs is known before it: llama-server's dry run, else a formula, corrected by what was seen.
- Every engine is charged with the larger of what it holds and what it was promised, so that a promise not yet
  used is not given twice.
- `admit.plan` decides on those figures, pure: beside, in place of the old engine, after evicting idle models
  of other slots (low priority first, then long unused; never one more than needed), or a refusal with the
  arithmetic.
- The judge holds a lock from measuring to the promise, so two loads cannot both pass.
- Of RAM, file pages that engines map count as used, although the system calls them available.
- A chat model's automatic context leaves room for the models of other kinds of slots, or chat and embeddings
  would evict each other for ever.
"""
