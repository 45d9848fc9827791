"""What each key of hal0.yaml means, for people: the manual prints it (packaging/manual.py)."""

from __future__ import annotations

from typing import Final, NamedTuple

from router.config.schema import (
    ActivityConfig,
    EngineConfig,
    LimitsConfig,
    MemoryConfig,
    ModelConfig,
    ServerConfig,
    SlotConfig,
    UpstreamConfig,
)


class Meaning(NamedTuple):
    """`shown` is the default in words, where the value in router.config.schema does not say it."""

    text: str
    shown: str | None = None


MEANINGS: Final[dict[type, dict[str, Meaning]]] = {
    ServerConfig: {
        "host": Meaning("address to listen on; anything but loopback needs an API key"),
        "port": Meaning("the endpoint's port"),
        "api_keys": Meaning(
            "accepted keys; `env:NAME` reads one from the environment. Empty: no key is asked for",
            "[]",
        ),
        "allowed_hosts": Meaning(
            "names by which clients may call without a key, besides addresses and this computer's own: "
            "`pc.local`, `*.ts.net` (all below it), `.example.org` (it, too)",
            "[]",
        ),
        "allowed_origins": Meaning(
            "web pages and browser extensions that may call without a key, besides those of this computer: "
            "`https://chat.example.org`, `https://*.example.org`",
            "[]",
        ),
    },
    EngineConfig: {
        "llama_server": Meaning(
            "path of a llama-server; `auto` looks at `HAL0_LLAMA_SERVER`, what `hal0 engine use` "
            "chose, PATH, hal0's own folder, the bundle",
            "auto",
        ),
        "ports": Meaning("first and last port for engines; may not contain `server.port`"),
    },
    ModelConfig: {
        "file": Meaning("absolute, `~`, relative to this file, or found in a model folder"),
        "display_name": Meaning("what the tray shows", "the id"),
        "kind": Meaning("`chat`, `embedding`, `rerank`, `stt`, `tts`, `image`", "read from the GGUF"),
        "aliases": Meaning("other names clients may send"),
        "flags": Meaning(
            "llama-server's long flags without dashes; underscores and `n_ctx` are understood, and "
            "`on`/`off`/`yes`/`no` become what each flag wants",
            "{}",
        ),
        "request": Meaning("fields merged into every request that does not set them itself", "{}"),
    },
    SlotConfig: {
        "kind": Meaning("what the slot serves"),
        "model": Meaning("what it holds first", "the first that can run"),
        "models": Meaning("the models it may load", "all models of its kind"),
        "autoload": Meaning("load when hal0 starts, instead of with the first request"),
        "switch": Meaning(
            "`manual`: a request that names another model is refused instead of switching",
        ),
        "idle_unload": Meaning("seconds after the last request until it is unloaded; 0: never"),
        "pinned": Meaning("never switched by a request, never unloaded for being idle or to make room"),
        "drain_timeout": Meaning(
            "seconds that running requests have to finish before a switch that needs their memory cuts them off"
        ),
        "command": Meaning("another engine's command line, with `{port}`; never run through a shell"),
        "health": Meaning("path that answers 200 when that engine is ready"),
        "priority": Meaning("where memory is short, models of slots with a lower one make room first"),
        "fallback": Meaning(
            "upstreams (`name` or `name/model`) that answer, in this order, while the slot cannot",
        ),
        "upstream": Meaning(
            "`name/model`: that model there always answers, the slot has no engine of its own",
        ),
    },
    LimitsConfig: {
        "queue": Meaning("requests that may wait per slot for another model"),
        "wait": Meaning(
            "seconds a request waits for its turn at most; a load that has begun is always waited for",
        ),
    },
    MemoryConfig: {
        "headroom": Meaning(
            "memory that a load leaves free, on each GPU or, without one, in RAM: `1GiB`, `700MiB`, bytes",
            "512MiB",
        ),
    },
    ActivityConfig: {
        "keep": Meaning(
            "requests that are kept on disk; 0: none, they are only counted and shown as they happen"
        ),
        "days": Meaning("days after which one is forgotten"),
        "size": Meaning("bytes that the file may take, at least `16MiB`; the oldest go first", "64MiB"),
        "bodies": Meaning(
            "whose texts are kept, too: `off`, `errors` (of requests that failed), `all`. Who may read the "
            "activity can read them",
        ),
        "body_size": Meaning("what is kept of a request's body, and of its answer; the rest is cut", "64KiB"),
    },
    UpstreamConfig: {
        "base_url": Meaning(
            "where its API is: `http(s)://host[:port][/path]`. Without a path `/v1` is added; an "
            "endpoint behind it, such as `/chat/completions`, is left out. If nothing answers there, it is "
            "tried with `/v1`, or without",
        ),
        "kind": Meaning(
            "`openai`: any OpenAI-compatible server; `hal0`: another hal0, whose slots can be "
            "switched from here",
        ),
        "api_key": Meaning(
            "`env:NAME`, `keyring:NAME` (`hal0 upstream key NAME` stores it in the system's keyring), "
            "or the key itself",
            "none",
        ),
        "models": Meaning(
            "the only ones offered; the first of them answers for a slot whose model it does not have. "
            "With them the server needs no list of models",
            "those it lists",
        ),
        "timeout": Meaning("seconds until its answer begins, and between two parts of it"),
        "connect_timeout": Meaning("seconds for its name, the connection and TLS together"),
    },
}
