"""What everything stands on: errors, names and words, paths, files, tasks. Knows nothing of hal0's subject."""
