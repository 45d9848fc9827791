"""A request on its way: waiting for its lease, asking an engine or a server elsewhere, the answer back.

What is safe to send before the first token, measured with openai (Python, Node), anthropic, ollama,
LangChain, AI SDK and Hermes (`tests/clients` keeps it true): comments and chunks with empty content and no
role in OpenAI's streams, comments and `ping` in Anthropic's, lines with an empty message in Ollama's (blank
lines crash ollama-python), line breaks before a JSON document. Never a 503 because a model is loading, never
progress as content, never a silent end. A late failure carries the code `model_not_available`: Hermes retries
all others, each time with a new load.

Beats come every 2 s: at 5 s a client with a 5 s read timeout lost the race. The empty chunk that resets chunk
timers comes every 14 s. llama-server is always asked to stream, and single answers are put together here
(`router.wire.aggregate`): for a dropped single request it went on generating for 12 s, for a dropped stream
44 ms. Engines are asked through a client of our own (`engines`): half the cost of aiohttp's.
"""
