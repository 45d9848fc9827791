"""The endpoint: one aiohttp application for clients and for hal0's own control API.

Safe by default: loopback; another host needs an API key (the config refuses it otherwise). Host and Origin
are checked (DNS rebinding, web pages) where no key came, which no page can have. Keys are compared in
constant time, may come from the environment (`env:NAME`), and are never logged or put into argv. What clients
do wrong is one line in the log each, a few a minute, without what they sent. Text from outside (names, an
engine's words, what clients ask for) is escaped where it becomes a log line, an id or a sentence
(`router.base.names`): one request is one line, and no name breaks a list.
"""
