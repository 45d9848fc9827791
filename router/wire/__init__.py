"""Bodies in and out: OpenAI requests, the error envelope, the snapshot as JSON."""
