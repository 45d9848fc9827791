"""`env:` of models and slots: what may be set, and that no message tells a value."""

from __future__ import annotations

import pytest

from router.config.hidden import hide_keys
from router.wire.config import config_json
from tests.router.config.reading import config, only_problem, problems

SECRET = "sesame-0123"


def model(body: str) -> str:
    return f"models:\n  m:\n    file: m.gguf\n    env:\n      {body}\n"


def test_values_are_texts_as_written() -> None:
    read = config(model("{GPUS: 0, LIST: '0,1', ON: on, NONE: '', LATER: env:TOKEN, LEFT_OUT: }"))
    env = read.models["m"].env
    assert env == {"GPUS": "0", "LIST": "0,1", "ON": "on", "NONE": "", "LATER": "env:TOKEN"}
    slot = config("slots: {stt: {kind: stt, command: 'run {port}', env: {A: b}}}").slots["stt"]
    assert slot.env == {"A": "b"}


@pytest.mark.parametrize(
    ("body", "key", "part"),
    [
        (f"LLAMA_API_KEY: {SECRET}", "LLAMA_API_KEY", "a secret key of its own"),
        (f"LLAMA_ARG_CTX_SIZE: {SECRET}", "LLAMA_ARG_CTX_SIZE", "write ctx-size under flags:"),
        (f"llama_arg_n_gpu_layers: {SECRET}", "llama_arg_n_gpu_layers", "write n-gpu-layers under flags:"),
        (f"LLAMA_LOG_FILE: {SECRET}", "LLAMA_LOG_FILE", "hal0's to set"),
        (f"HAL0_CONFIG: {SECRET}", "HAL0_CONFIG", "for hal0 itself"),
        (f"XDG_CONFIG_HOME: {SECRET}", "XDG_CONFIG_HOME", "hal0's to set"),
        (f"a-b: {SECRET}", "a-b", "is no name of an environment variable"),
        (f"A: [{SECRET}]", "A", "must be a text"),
        (f"A: env:{SECRET}", "A", "must name a variable after env:"),
        ("A: …", "A", "write the value itself"),
        (f'A: "{SECRET}\\n"', "A", "on one line"),
    ],
)
def test_each_rule_names_its_line_and_no_value(body: str, key: str, part: str) -> None:
    problem = only_problem(model(body))
    assert (problem.line, problem.key) == (5, f"models.m.env.{key}")
    assert part in problem.message and SECRET not in str(problem)


def test_one_name_in_two_spellings() -> None:
    problem = only_problem(model("{Path: a, PATH: b}"))
    assert '"Path" on line 5' in problem.message


def test_a_slot_without_a_command_has_no_engine_of_its_own_to_set_them_for() -> None:
    assert "beside command: alone" in only_problem("slots: {primary: {env: {A: b}}}").message
    remote = "upstreams: {u: {base_url: 'http://x'}}\nslots: {primary: {upstream: u/m, env: {A: b}}}"
    assert [problem.key for problem in problems(remote)] == ["slots.primary.env"]


def test_a_value_is_shown_nowhere() -> None:
    text = model(f"{{A: {SECRET}, GPUS: '0,1', VERSION: 10.3.0, FROM: env:TOKEN, PIN: 12345}}")
    shown = "{A: …, GPUS: '0,1', VERSION: 10.3.0, FROM: env:TOKEN, PIN: …}"
    assert hide_keys(text) == model(shown)
    read = config(text)
    assert SECRET not in repr(read) and SECRET not in str(config_json(read))
