"""Other programs' settings as hal0.yaml's: llama-swap's, llama-server's presets, Ollama's, LM Studio's.

A reader turns a text into `Imported`; `router.imports.merge` makes of that what hal0.yaml would become.
"""
