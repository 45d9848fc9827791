"""The command line. Starts in milliseconds: Qt is imported only for the tray, the server only to serve."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from app.commands.orders import ORDER_COMMANDS, OrderCommand
from app.system.log_levels import ENV as LOG_LEVELS
from app.system.streams import give_up_stdout, open_streams, output_failure
from router.base.errors import RouterError
from router.base.paths import NO_HOME
from router.base.version import __version__

Command = Callable[[argparse.Namespace], int]
_ELSEWHERE = {
    **dict.fromkeys(("load", "use", "run"), "switch"),
    **dict.fromkeys(("stop", "eject"), "unload"),
    **dict.fromkeys(("start", "server", "daemon"), "serve"),
    **dict.fromkeys(("pull", "download", "get"), "model pull"),
    **dict.fromkeys(("rm", "remove", "delete"), "model rm"),
    **{
        "search": "model search",
        "list": "models",
        "ls": "models",
        "ps": "status",
        "log": "logs",
        "config": "check",
    },
}
"""What other programs call it; the nearest of hal0's own words may mean the opposite (load, unload)."""

_COMPLETE = "__complete"
"""The word by which shells ask (app.commands.completion)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage, 130 interrupted. docs/commands.md
    says what failed means for each command."""
    open_streams(for_a_command=not _is_tray(sys.argv[1:] if argv is None else argv))
    try:
        words = sys.argv[1:] if argv is None else argv
        if words[:1] == [_COMPLETE]:
            return _candidates(words[1:])
        arguments, unknown = _parser().parse_known_args(argv)
        if unknown:
            arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        if arguments.verbose:
            os.environ[LOG_LEVELS] = "debug"
        run: Command = arguments.run
        code = run(arguments)
        sys.stdout.flush()
        return code
    except RouterError as error:
        return _failed(f"hal0: {error.message}")
    except KeyboardInterrupt:
        return 130
    except RuntimeError as error:
        if "home directory" not in str(error):  # as pathlib says it
            raise
        return _failed(f"hal0: {NO_HOME}")
    except BrokenPipeError:  # `hal0 logs primary | head`
        give_up_stdout()
        return 0
    except OSError as error:
        sentence = output_failure(error)
        if sentence is not None:
            give_up_stdout()
        elif error.filename is None:
            raise  # not about a file: a bug
        return _failed(sentence or _unusable(error))


def _is_tray(words: Sequence[str]) -> bool:
    """Return whether this starts the tray, which must outlive the terminal that it may be started in."""
    return not words or "tray" in words


def _failed(sentence: str) -> int:
    with suppress(OSError):  # stderr may be as full, or as closed
        print(sentence, file=sys.stderr, flush=True)
    return 1


class _Parser(argparse.ArgumentParser):
    """Says what was meant by a command or an option that there is not."""

    def error(self, message: str) -> NoReturn:
        super().error(message + self._meant(message))

    def _meant(self, message: str) -> str:
        from router.config.problems import did_you_mean

        if found := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            if found[1] in _ELSEWHERE:
                return f" hal0's word for it is `hal0 {_ELSEWHERE[found[1]]}`."
            # From Python 3.12 on they are not quoted.
            return did_you_mean(found[1], [word.strip("'") for word in found[2].split(", ")])
        if found := re.search(r"unrecognized arguments: (--?[^\s=]+)", message):
            return did_you_mean(found[1], self._option_string_actions)
        return ""


def _unusable(error: OSError) -> str:
    problem = f"hal0: {error.filename} cannot be used ({error.strerror}); make it readable and writable for you"
    if sys.platform == "win32":  # it has no variables for them
        return f"{problem}."
    folders = "XDG_STATE_HOME, XDG_DATA_HOME, XDG_CACHE_HOME, XDG_CONFIG_HOME"
    return f"{problem}, or give hal0 other folders ({folders})."


def _parser() -> _Parser:
    parser = _Parser(
        prog="hal0", description="One stable, local OpenAI-compatible endpoint; without a command: the tray."
    )
    parser.add_argument("--version", action="version", version=f"hal0 {__version__}")
    parser.set_defaults(run=_tray, parser=parser, config=None, url=None, hidden=False, verbose=False)
    common = _Parser(add_help=False)
    common.add_argument("--config", type=Path, default=argparse.SUPPRESS, help="hal0.yaml to use")
    running = _Parser(add_help=False, parents=[common])
    running.add_argument(
        "--verbose", action="store_true", default=argparse.SUPPRESS, help="log every step (see HAL0_LOG)"
    )
    remote = _Parser(add_help=False, parents=[common])
    remote.add_argument("--url", default=argparse.SUPPRESS, help="address of the running hal0")
    parser.add_argument("--config", type=Path, default=None, help="hal0.yaml to use")
    parser.add_argument("--verbose", action="store_true", help="log every step (see HAL0_LOG)")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    tray = _add(commands, "tray", "show the tray icon (the default)", _tray, running)
    tray.add_argument("--hidden", action="store_true", help="start without the window, as at login")
    _add(commands, "serve", "run without a desktop", _serve, running)
    _as_json(_add(commands, "check", "check hal0.yaml and every model's flags", _check, common))
    _as_json(_add(commands, "status", "show slots, models and memory", _status, remote))
    models = _add(commands, "models", "list models, and whether each fits into memory now", _models, remote)
    models.add_argument("--fit", action="store_true", help="wait until it is known of all, best fit first")
    _as_json(models)
    _add_switch(commands, remote)
    _add_bench(commands, remote)
    _add_tune(commands, remote)
    for order in ORDER_COMMANDS:
        command = _add(commands, order.name, order.help, _order, remote)
        for word in order.words:
            command.add_argument(word)
        command.set_defaults(order=order)
        if order.shows:
            _as_json(command)
    forget = _add(commands, "forget", "delete what is kept of conversations", _forget, remote)
    forget.add_argument("model", nargs="?", default="", help="only this model's")
    _add_connect(commands, remote)
    _add_activity(commands, remote)
    _add_engine(commands, common)
    _add_service(commands, common)
    _add_upstream(commands, common)
    _add_model(commands, common, remote)
    _add_import(commands, common)
    completion = _add(commands, "completion", "print completion for a shell", _completion, common)
    completion.add_argument("shell", choices=["bash", "zsh", "fish"])
    return parser


def _as_json(command: _Parser) -> None:
    command.add_argument("--json", action="store_true", help="as JSON")


def _add(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    help_: str,
    run: Command,
    parent: _Parser,
) -> _Parser:
    parser = commands.add_parser(name, help=help_, description=help_, parents=[parent])
    parser.set_defaults(run=run, parser=parser)
    return parser


def _add_switch(commands: argparse._SubParsersAction[_Parser], remote: _Parser) -> None:
    switch = _add(commands, "switch", "load a model into a slot", _switch, remote)
    switch.add_argument("slot")
    switch.add_argument("model")
    switch.add_argument("--force", action="store_true", help="even if there is too little free memory")
    switch.add_argument(
        "--fit", action="store_true", help="first write flags with which it fits into hal0.yaml"
    )
    switch.add_argument("--once", action="store_true", help="with --fit: for this load only, not in hal0.yaml")
    switch.add_argument(
        "--with",
        dest="flags",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a flag of llama-server's for this load only; may be repeated",
    )


def _add_bench(commands: argparse._SubParsersAction[_Parser], remote: _Parser) -> None:
    bench = _add(
        commands, "bench", "measure how fast a model reads and writes, with its own flags", _bench, remote
    )
    _add_measured(bench)
    bench.add_argument("--runs", type=_count, default=3, metavar="N", help="how many count; 3 if not said")
    bench.add_argument("--json", action="store_true", help="as JSON")


def _add_tune(commands: argparse._SubParsersAction[_Parser], remote: _Parser) -> None:
    tune = _add(commands, "tune", "try the flags that matter for speed; --write keeps the best", _tune, remote)
    _add_measured(tune)
    tune.add_argument("--runs", type=_several, default=3, metavar="N", help="how many count; 3 if not said")
    tune.add_argument("--kv", action="store_true", help="try an 8-bit KV cache, too: answers may differ")
    tune.add_argument("--write", action="store_true", help="write the best into hal0.yaml, after asking")
    tune.add_argument("--yes", action="store_true", help="with --write: ask nothing")
    tune.add_argument("--json", action="store_true", help="as JSON; written only with --write --yes")


def _add_measured(command: _Parser) -> None:
    """Add what is measured, and by how much work."""
    command.add_argument("model")
    command.add_argument("--slot", default="", help="where to load it if it is not loaded")
    command.add_argument(
        "--prompt", type=_count, default=512, metavar="N", help="words to read; 512 if not said"
    )
    command.add_argument("--generate", type=_count, default=128, metavar="N", help="tokens to write; 128")


def _add_connect(commands: argparse._SubParsersAction[_Parser], remote: _Parser) -> None:
    connect = _add(
        commands, "connect", "write a client's settings so that it uses hal0, or take it back", _connect, remote
    )
    connect.add_argument("client", nargs="?", default="", help="which; without one all are listed")
    connect.add_argument("--slot", default="", help="the slot it is to use; the first for chats if not said")
    connect.add_argument("--yes", action="store_true", help="show what changes, and ask nothing")
    connect.add_argument("--undo", action="store_true", help="take back what was written")
    connect.add_argument("--json", action="store_true", help="the list as JSON")


def _add_activity(commands: argparse._SubParsersAction[_Parser], remote: _Parser) -> None:
    activity = _add(commands, "activity", "show what was asked last, and how that went", _activity, remote)
    activity.add_argument("--slot", help="only of this slot")
    activity.add_argument("--model", help="only those that this model answered")
    activity.add_argument("--client", metavar="ADDRESS", help="only from there")
    activity.add_argument("--failed", action="store_true", help="only failures")
    activity.add_argument(
        "--limit", type=_count, default=30, metavar="N", help="how many at most; 30 if not said"
    )
    activity.add_argument("--follow", action="store_true", help="then show new ones as they come, until Ctrl+C")
    activity.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_engine(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    engine = commands.add_parser("engine", help="llama-server: install, list, path, use, rollback, remove")
    actions = engine.add_subparsers(title="actions", metavar="ACTION", required=True)
    install = _add(actions, "install", "fetch a llama-server for this computer", _engine_install, common)
    install.add_argument(
        "--source", choices=["auto", "release", "debian", "pypi"], default="auto", help="where from"
    )
    _as_json(_add(actions, "list", "show every llama-server found", _engine_list, common))
    _as_json(_add(actions, "path", "print the one in use", _engine_path, common))
    use = _add(actions, "use", "prefer an installed one; loaded slots keep theirs", _engine_use, common)
    use.add_argument("version", help="its folder, build or version, or auto for the newest")
    _add(actions, "rollback", "back to the one before the last install or use", _engine_rollback, common)
    remove = _add(actions, "remove", "remove an installed one that nothing uses", _engine_remove, common)
    remove.add_argument("version", help="its folder, build or version")


def _add_model(
    commands: argparse._SubParsersAction[_Parser],
    common: _Parser,
    remote: _Parser,
) -> None:
    model = commands.add_parser("model", help="model files: search, pull, ls, rm")
    actions = model.add_subparsers(title="actions", metavar="ACTION", required=True)
    search = _add(
        actions, "search", "what runs well here, or what Hugging Face has, and what fits", _model_search, common
    )
    search.add_argument("words", nargs="*", help="what to look for; org/repo: its quantisations")
    search.add_argument("--json", action="store_true", help="as JSON")
    pull = _add(
        actions, "pull", "fetch a model from Hugging Face; asked for again, it goes on", _model_pull, common
    )
    pull.add_argument("reference", metavar="org/repo[:quant]")
    pull.add_argument("--dry-run", action="store_true", help="only say what it is, and whether it fits")
    pull.add_argument("--yes", action="store_true", help="ask nothing")
    pull.add_argument("--json", action="store_true", help="one JSON object a line")
    ls = _add(actions, "ls", "show every model file: size, origin, names in hal0.yaml", _model_ls, common)
    _as_json(ls)
    rm = _add(actions, "rm", "remove a model that hal0 fetched", _model_rm, remote)
    rm.add_argument("model", help="a model's id, or org/repo:quant")
    rm.add_argument("--yes", action="store_true", help="ask nothing")


def _add_import(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    help_ = "take over settings of llama-swap, llama-server's presets, Ollama or LM Studio"
    import_ = _add(commands, "import", help_, _import, common)
    import_.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="config.yaml, presets.ini, Modelfile, FILE.gguf.json",
    )
    import_.add_argument("--yes", action="store_true", help="write it without asking")
    import_.add_argument("--json", action="store_true", help="as JSON; written only with --yes")


def _add_service(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    service = commands.add_parser(
        "service", help="run without a desktop, from each login on: install, remove, status"
    )
    actions = service.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add(actions, "install", "start `hal0 serve` now and at each login (systemd)", _service_install, common)
    _add(actions, "remove", "stop it, and no longer start it", _service_remove, common)
    _as_json(_add(actions, "status", "say whether it runs", _service_status, common))


def _add_upstream(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    upstream = commands.add_parser("upstream", help="servers elsewhere: store a key")
    actions = upstream.add_subparsers(title="actions", metavar="ACTION", required=True)
    key = _add(actions, "key", "store a key in the system's keyring, for api_key: keyring:NAME", _key, common)
    key.add_argument("name", metavar="NAME")


# Each command imports what it needs when it runs.


def _tray(arguments: argparse.Namespace) -> int:
    from app.run import run_tray

    return run_tray(arguments.config, hidden=arguments.hidden)


def _serve(arguments: argparse.Namespace) -> int:
    from app.run import run_headless

    return run_headless(arguments.config)


def _check(arguments: argparse.Namespace) -> int:
    from app.commands.check import check

    return check(arguments.config, as_json=arguments.json)


def _status(arguments: argparse.Namespace) -> int:
    from app.commands.remote import status

    return status(arguments.config, arguments.url, as_json=arguments.json)


def _models(arguments: argparse.Namespace) -> int:
    from app.commands.models import models

    return models(arguments.config, arguments.url, fit=arguments.fit, as_json=arguments.json)


def _switch(arguments: argparse.Namespace) -> int:
    from app.commands.remote import switch

    return switch(
        arguments.config,
        arguments.url,
        arguments.slot,
        arguments.model,
        force=arguments.force,
        fit=arguments.fit,
        once=arguments.once,
        flags=arguments.flags,
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def _several(text: str) -> int:
    """Read a number of runs that tell how much they differ."""
    if (number := _count(text)) < 2:
        raise argparse.ArgumentTypeError("one run does not tell how much runs differ; take 2 or more")
    return number


def _bench(arguments: argparse.Namespace) -> int:
    from app.commands.bench import Asked, bench

    asked = Asked(arguments.prompt, arguments.generate, arguments.runs)
    return bench(
        arguments.config, arguments.url, arguments.model, arguments.slot, asked, as_json=arguments.json
    )


def _tune(arguments: argparse.Namespace) -> int:
    from app.commands.bench import Asked
    from app.commands.tune import Wanted, tune

    wanted = Wanted(
        arguments.slot,
        Asked(arguments.prompt, arguments.generate, arguments.runs),
        cache=arguments.kv,
        write=arguments.write,
        yes=arguments.yes,
        as_json=arguments.json,
    )
    return tune(arguments.config, arguments.url, arguments.model, wanted)


def _order(arguments: argparse.Namespace) -> int:
    from app.commands.remote import give

    order: OrderCommand = arguments.order
    words = [getattr(arguments, word) for word in order.words]
    run = partial(order.run, as_json=arguments.json) if order.shows else order.run
    return give(arguments.config, arguments.url, run, words)


def _forget(arguments: argparse.Namespace) -> int:
    from app.commands.remote import forget

    return forget(arguments.config, arguments.url, arguments.model)


def _connect(arguments: argparse.Namespace) -> int:
    from app.commands.connect import connect

    flags = {"yes": arguments.yes, "back": arguments.undo, "as_json": arguments.json}
    return connect(arguments.config, arguments.url, arguments.client, arguments.slot, **flags)


def _activity(arguments: argparse.Namespace) -> int:
    from app.commands.activity import activity

    named = {name: getattr(arguments, name) for name in ("slot", "model", "client") if getattr(arguments, name)}
    filters = {**named, "limit": str(arguments.limit), **({"failed": "true"} if arguments.failed else {})}
    return activity(arguments.config, arguments.url, filters, follow=arguments.follow, as_json=arguments.json)


def _key(arguments: argparse.Namespace) -> int:
    from app.commands.upstream import store_key

    return store_key(arguments.name)


def _engine_install(arguments: argparse.Namespace) -> int:
    from app.commands.engine import install

    return install(arguments.config, arguments.source)


def _engine_list(arguments: argparse.Namespace) -> int:
    from app.commands.engine import list_all

    return list_all(arguments.config, as_json=arguments.json)


def _engine_path(arguments: argparse.Namespace) -> int:
    from app.commands.engine import print_path

    return print_path(arguments.config, as_json=arguments.json)


def _engine_use(arguments: argparse.Namespace) -> int:
    from app.commands.engine import use

    return use(arguments.config, arguments.version)


def _engine_rollback(arguments: argparse.Namespace) -> int:
    from app.commands.engine import rollback

    return rollback(arguments.config)


def _engine_remove(arguments: argparse.Namespace) -> int:
    from app.commands.engine import remove

    return remove(arguments.config, arguments.version)


def _model_pull(arguments: argparse.Namespace) -> int:
    from app.commands.model import pull

    flags = {"dry_run": arguments.dry_run, "yes": arguments.yes, "as_json": arguments.json}
    return pull(arguments.config, arguments.reference, **flags)


def _model_search(arguments: argparse.Namespace) -> int:
    from app.commands.model_search import search

    return search(arguments.config, arguments.words, as_json=arguments.json)


def _model_ls(arguments: argparse.Namespace) -> int:
    from app.commands.model import ls

    return ls(arguments.config, as_json=arguments.json)


def _model_rm(arguments: argparse.Namespace) -> int:
    from app.commands.model import rm

    return rm(arguments.config, arguments.url, arguments.model, yes=arguments.yes)


def _import(arguments: argparse.Namespace) -> int:
    from app.commands.import_settings import import_settings

    return import_settings(arguments.config, arguments.files, yes=arguments.yes, as_json=arguments.json)


def _service_install(arguments: argparse.Namespace) -> int:
    from app.commands.service import install

    return install(arguments.config)


def _service_remove(_arguments: argparse.Namespace) -> int:
    from app.commands.service import remove

    return remove()


def _service_status(arguments: argparse.Namespace) -> int:
    from app.commands.service import status

    return status(as_json=arguments.json)


def _completion(arguments: argparse.Namespace) -> int:
    from app.commands.completion import print_script

    return print_script(arguments.shell)


def _candidates(words: Sequence[str]) -> int:
    from app.commands.completion import print_candidates

    return print_candidates(_parser(), words[0] if words else "")


if __name__ == "__main__":
    sys.exit(main())
