"""Models from Hugging Face: what a repository has, fetching it whole, finding it on this disk, taking it away.

`huggingface_hub` is imported by the functions that use it: it costs 10 MiB that `hal0 serve` has no use for.
"""
