"""What was asked of hal0: one record per request, kept on disk, counted, and published as it happens."""
