"""Servers elsewhere that answer instead of an engine here: OpenAI-compatible ones and other hal0s.

- A request moves to an upstream only while nothing of its answer has been sent.
- Clients' keys never leave this computer; an upstream's key goes to that upstream alone.
- A slot with `upstream:` has no seat: the registry publishes it, and `StateStore.update_slots` keeps both
  publishers' slots in place.
- Another hal0 is followed by its events (`router.remote`): two missed heartbeats (12 s) end the contact, and
  what is known of it goes with it. What a hal0 sees of others it does not pass on, or two that follow each
  other would talk for ever.
"""
