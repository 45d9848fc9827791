"""Tokens out of answers: those llama-server and others really send, and cut at every place."""

from __future__ import annotations

import pytest

from router.activity.usage import HEAD_BYTES, Heard, Usage, usage_in

CHAT = (
    b'data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"object":"chat.completion.chunk",'
    b'"timings":{"cache_n":10,"prompt_n":1,"prompt_ms":235.816,"prompt_per_second":46.65,"predicted_n":4,'
    b'"predicted_ms":704.009,"predicted_per_token_ms":234.7,"predicted_per_second":4.261309}}\n\n'
    b"data: [DONE]\n\n"
)
ANTHROPIC = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"cache_read_input_tokens":10,'
    b'"input_tokens":1,"output_tokens":0}}}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":4}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
)
ANSWERS = {
    "llama-server's stream": (CHAT, Usage(11, 10, 4, 4.26)),
    "OpenAI's usage": (
        b'data: {"choices":[],"usage":{"prompt_tokens": 11, "completion_tokens": 4, "total_tokens": 15,'
        b'"prompt_tokens_details": {"cached_tokens": 10}}}\n\ndata: [DONE]\n\n',
        Usage(11, 10, 4),
    ),
    "null in between": (
        b'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}\n\n'
        b'data: {"choices":[],"usage":null}\n\n',
        Usage(2, None, 3),
    ),
    "the responses API": (
        b'data: {"type":"response.completed","response":{"usage":{"input_tokens":10,"output_tokens":4,'
        b'"total_tokens":14,"input_tokens_details":{"cached_tokens":6}}}}\n\n',
        Usage(10, 6, 4),
    ),
    "embeddings": (b'{"usage":{"prompt_tokens":4,"total_tokens":4},"data":[]}', Usage(4)),
    "Anthropic's": (b"".join(ANTHROPIC), Usage(11, 10, 4)),
    "Anthropic's own server": (
        b'{"usage":{"input_tokens":3,"cache_creation_input_tokens":5,"cache_read_input_tokens":7,"output_tokens":2}}',
        Usage(15, 7, 2),
    ),
    "nothing": (b'{"tokens":[1,2,3]}', Usage()),
    "what is no number": (b'{"usage":{"prompt_tokens":"many","completion_tokens":-1}}', Usage()),
    "a fraction": (b'{"usage":{"prompt_tokens":1.5,"completion_tokens":1e99}}', Usage()),
    "a speed that is none": (b'"timings":{"predicted_n":1,"predicted_per_second":null}', Usage(None, None, 1)),
    "a model's own words": (rb'{"content":"say \"usage\":{\"prompt_tokens\":99}"}', Usage()),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_tokens_are_found_in_each_dialect(name: str) -> None:
    raw, expected = ANSWERS[name]
    assert usage_in(raw, raw) == expected


@pytest.mark.parametrize("name", ANSWERS)
def test_wherever_an_answer_is_cut_it_says_the_same(name: str) -> None:
    raw, expected = ANSWERS[name]
    for at in range(len(raw) + 1):
        heard = Heard()
        for piece in filter(None, (raw[:at], raw[at:])):
            heard.take(piece)
        assert heard.usage == expected, at


def test_the_beginning_and_the_end_of_a_long_answer_are_kept() -> None:
    heard = Heard()
    heard.take(ANTHROPIC[0])
    for _ in range(500):
        heard.take(b'data: {"type":"content_block_delta","delta":{"text":"word "}}\n\n')
    heard.take(ANTHROPIC[1])
    assert heard.usage == Usage(11, 10, 4)
    assert len(heard.head) == HEAD_BYTES and len(heard.tail) < 50 and heard.begun
