"""Bodies in and out, each dialect: OpenAI, Anthropic, Ollama, llama.cpp; errors; the snapshot as JSON."""
