# ruff: noqa: E501 - recorded lines are as long as they are
"""Which line explains an engine's end. Real logs; what varies (addresses, thread numbers) is short.

llama.cpp's are of build 11669 unless said otherwise; CUDA's, Vulkan's, vLLM's and the systems' are as published in
bug reports, since none of those runs here.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from resources import demo_model
from router.engine.explain import MOST, Rank, better, clean, exit_sentence, is_of_a_port, reason_in
from router.engine.log import LAST_WORDS_SECONDS, EngineLog

DEBUGGER = [
    "[New LWP 19722]",
    "[New LWP 19723]",
    "warning: Unable to find libthread_db matching inferior's thread library, thread debugging will not be available.",
    "[Thread debugging using libthread_db enabled]",
    'Using host libthread_db library "/lib/x86_64-linux-gnu/libthread_db.so.1".',
    "0x00007f20322a6efe in ?? () from /usr/lib/libc.so.6",
    "#0  0x00007f20322a6efe in ?? () from /usr/lib/libc.so.6",
    "#5  0x00007f2032c20b2e in ggml_abort () from /usr/lib/libggml-base.so.0",
    "[Inferior 1 (process 19717) detached]",
]
START = [
    "0.00.001.659 I srv  llama_server: initializing ...",
    "0.00.011.254 W srv  llama_server: security: no API key is set and CORS allows all origins",
    "0.00.013.114 I srv    load_model: loading model 'x.gguf'",
]
ROWS: list[tuple[list[str], str | None]] = [
    (
        # ctx-size 1
        [*START, "./common/common.cpp:2248: get_sub_batch: failed to add token 2 at index 1 (error -1, n = 2)", "", *DEBUGGER],
        "get_sub_batch: failed to add token 2 at index 1 (error -1, n = 2)",
    ),
    (
        [*START, "/build/ggml/src/ggml.c:1652: GGML_ASSERT(ggml_can_mul_mat(a, b)) failed", *DEBUGGER, "Aborted (core dumped)"],
        "GGML_ASSERT(ggml_can_mul_mat(a, b)) failed",
    ),
    (
        # D:\ paths, and llama.cpp's own prefix before ggml's words
        [*START, r"D:\a\llama.cpp\ggml\src\ggml-backend.cpp:1723: pre-allocated tensor (cache_k_l0) in a buffer", *DEBUGGER],
        "pre-allocated tensor (cache_k_l0) in a buffer",
    ),
    (
        [
            *START,
            "terminate called after throwing an instance of 'std::runtime_error'",
            "  what():  Unable to find a suitable chat parser",
            *DEBUGGER,
        ],
        "Unable to find a suitable chat parser",
    ),
    (["terminate called without an active exception", *DEBUGGER], "terminate called without an active exception"),
    (
        # quantized V cache without flash attention
        [
            *START,
            "0.00.015.524 E llama_init_from_model: quantized V cache requires flash_attn to be enabled",
            "0.00.015.723 E common_fit_params: encountered an error while trying to fit params to free device memory: x",
            "0.00.018.018 E cmn  common_init_: failed to create context with model 'x.gguf'",
            "0.00.018.027 I srv    operator(): operator(): cleaning up before exit...",
            "0.00.018.450 E srv  llama_server: exiting due to model loading error",
        ],
        "quantized V cache requires flash_attn to be enabled",
    ),
    (
        [*START, "0.13.775.800 E ggml_aligned_malloc: insufficient memory (attempted to allocate 24414.06 MB)", "0.13.1 E x: y"],
        "insufficient memory (attempted to allocate 24414.06 MB)",
    ),
    (
        # a harmless lack before the real reason
        [
            "0.00.001 E ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected",
            *START,
            "0.00.013 E llama_model_load: error loading model: tensor 'a' data is not within the file bounds",
        ],
        "error loading model: tensor 'a' data is not within the file bounds",
    ),
    (["0.00.002.500 E ggml_backend_init: no GPU was found"], "no GPU was found"),
    (["error: invalid argument: --ctx-sise"], "error: invalid argument: --ctx-sise"),
    (
        [
            *START,
            "0.09.1 E ggml_cuda_compute_forward: MUL_MAT failed",
            "0.09.1 E CUDA error: out of memory",
            "0.09.1 E   current device: 0, in function alloc at /build/ggml-cuda.cu:419",
            "/build/ggml/src/ggml-cuda/ggml-cuda.cu:88: CUDA error",
            *DEBUGGER,
        ],
        "CUDA error: out of memory",
    ),
    (
        [*START, "ggml_vulkan: Device memory allocation of size 4294967296 failed.", "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory"],
        "vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
    ),
    (
        ["/opt/llama-server: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory"],
        "error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory",
    ),
    (
        ["/opt/llama-server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /opt/llama-server)"],
        "version `GLIBC_2.38' not found (required by /opt/llama-server)",
    ),
    (["dyld[4711]: Library not loaded: @rpath/libomp.dylib"], "Library not loaded: @rpath/libomp.dylib"),
    (
        # vLLM: the root cause, then a reference to it, then what the interpreter says while it leaves
        [
            "INFO 11-27 10:00:00 [api_server.py:1] starting",
            "Loading safetensors checkpoint shards: 100%|##########| 4/4 [00:01<00:00]",
            "Traceback (most recent call last):",
            '  File "/x/vllm/engine/core.py", line 1, in run',
            "    raise ValueError(x)",
            "(EngineCore_0 pid=123) ValueError: To serve at least one request, 5.1 GiB of KV cache is needed",
            "RuntimeError: Engine core initialization failed. See root cause above.",
            "/usr/lib/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: leaked",
            "  warnings.warn('resource_tracker: leaked')",
        ],
        "ValueError: To serve at least one request, 5.1 GiB of KV cache is needed",
    ),
    (["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'vllm'\r"], "ModuleNotFoundError: No module named 'vllm'"),
    (
        # what finalizers say while the interpreter leaves
        [
            "Traceback (most recent call last):",
            '  File "/x/serve.py", line 9, in <module>',
            "RuntimeError: CUDA out of memory",
            "Exception ignored in: <function Engine.__del__ at 0x7f>",
            "Traceback (most recent call last):",
            '  File "/x/serve.py", line 3, in __del__',
            "    self.pool.shutdown()",
            "AttributeError: 'Engine' object has no attribute 'pool'",
        ],
        "RuntimeError: CUDA out of memory",
    ),
    (
        ["Exception ignored in: <_io.TextIOWrapper name='<stdout>'>", "BrokenPipeError: [Errno 32] Broken pipe", "ValueError: no such model"],
        "ValueError: no such model",
    ),
    (["(Worker pid=7) Exception ignored in: <x>", "(Worker pid=7) Traceback (most recent call last):", "(Worker pid=7)   File", "(Worker pid=7) KeyError: 1"], None),
    (
        ["INFO: Started", "ERROR:    [Errno 98] address already in use", "INFO:     Application shutdown complete."],
        "[Errno 98] address already in use",
    ),
    (["usage: whisper-server [-h]", "whisper-server: error: unrecognized arguments: --x"], "unrecognized arguments: --x"),
    (['{"level":"info","msg":"starting"}', '{"level":"error","ts":1,"msg":"model not found"}', '{"level":"info","msg":"bye"}'], "model not found"),
    (['time=2026-11-27 level=ERROR source=x.go:1 msg="no space left on device" n=1', "bye"], "no space left on device"),
    (
        # since Rust 1.73 the place and the words stand on lines of their own
        ["thread 'main' panicked at src/main.rs:2:5:", "no such model", "note: run with `RUST_BACKTRACE=1` environment variable"],
        "no such model",
    ),
    (
        [
            "panic: runtime error: index out of range [3]",
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]",
            "goroutine 1 [running]:",
            "main.main()",
            "exit status 2",
        ],
        "runtime error: index out of range [3]",
    ),
    (
        [
            'Exception in thread "main" java.lang.IllegalStateException: cannot start',
            "\tat Main.main(Main.java:3)",
            "Caused by: java.io.FileNotFoundException: x.gguf (No such file or directory)",
            "\tat Main.read(Main.java:9)",
            "\t... 1 more",
        ],
        "java.io.FileNotFoundException: x.gguf (No such file or directory)",
    ),
    (
        ["docker: Error response from daemon: could not select device driver.", "", "Run 'docker run --help' for more information"],
        "Error response from daemon: could not select device driver.",
    ),
    (
        [
            "  + Exception Group Traceback (most recent call last):",
            "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
            "  +-+---------------- 1 ----------------",
            "    | Traceback (most recent call last):",
            "    | ValueError: no such model",
            "    +------------------------------------",
        ],
        "ValueError: no such model",
    ),
    (["thread 'main' panicked at src/main.rs:3:5: no such model", "note: run with `RUST_BACKTRACE=1`"], "src/main.rs:3:5: no such model"),
    (["loading: 10%\rloading: 50%\r", "the disk is gone"], "the disk is gone"),
    (["\x1b[31m0.1 E load: it is \x1b[1mcracked\x1b[0m"], "it is cracked"),
    (["the model is not to my taste"], "the model is not to my taste"),
    (DEBUGGER, None),
    (START, None),
    ([], None),
    (["", "   ", "\x1b[0m"], None),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "reason"), ROWS, ids=[str(row[1])[:30] for row in ROWS])
def test_the_line_that_explains(lines: list[str], reason: str | None) -> None:
    """Row 6: an abort's own words, never the debugger's."""
    log = EngineLog()
    for line in lines:
        log.add(line)
    assert log.explanation() == reason


@pytest.mark.parametrize(("lines", "reason"), ROWS, ids=[str(row[1])[:30] for row in ROWS])
def test_a_debugger_s_lines_change_nothing_wherever_they_stand(lines: list[str], reason: str | None) -> None:
    for seed in range(5):
        chance, log = random.Random(seed), EngineLog()
        for line in lines:
            for extra in chance.sample(DEBUGGER, chance.randrange(3)):
                log.add(extra)
            log.add(line)
        assert log.explanation() == reason


def test_what_no_program_should_say_is_taken_all_the_same() -> None:
    hostile = [
        "{" * 5000,
        '{"level": 5, "msg": {}}',
        "\udcff\x00",
        "E",
        "E ",
        "0.1 E :",
        "x" * 200_000,
        ": error: ",
        "[]",
    ]
    for line in hostile:
        found = reason_in(clean(line))
        assert found is None or 0 < len(found.text) <= MOST


def test_order_decides_among_equals() -> None:
    first, second = reason_in("0.1 E a: first"), reason_in("0.2 E b: second")
    assert first and second and better(first, second) is first
    early, late = reason_in("ValueError: early"), reason_in("KeyError: late")
    assert early and late and better(early, late) is late
    assert better(None, late) is late
    assert Rank.PLAIN < Rank.WEAK < Rank.ERROR < Rank.FATAL


def test_a_request_that_was_refused_does_not_explain_a_later_end() -> None:
    """Row 7: a harmless error line after ready must not stick, whoever ends the engine and however."""
    now = [100.0]
    log = EngineLog(clock=lambda: now[0])
    log.is_ready()
    log.add("9.1 E srv send_error: task id = 7, error: request (602 tokens) exceeds the context size")
    assert log.explanation(killed=True) is None
    now[0] += LAST_WORDS_SECONDS + 1
    assert log.explanation() is None
    log.add("9.9 E ggml_cuda_host_malloc: failed to allocate 5 MiB")
    assert log.explanation() == "failed to allocate 5 MiB"
    log.add("/build/ggml.c:1: GGML_ASSERT(x) failed")
    now[0] += 3600
    assert log.explanation() == "GGML_ASSERT(x) failed", "the debugger may have taken its time"
    assert exit_sentence(-9, None, ready=True) == "The engine stopped: it was killed (signal 9)."


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-4, "another processor"),
        (-11, "segmentation fault"),
        (0xC0000135, "a library it needs is missing"),
        (0xC0000005, "access violation"),
        (0xC000001D, "another processor"),
        (0xC0000409, "exit code 0xc0000409"),
        (3, "exit code 3"),
        (None, "exit code None"),
    ],
)
def test_an_end_without_words_says_what_its_code_means(code: int | None, words: str) -> None:
    assert words in exit_sentence(code, None)


@pytest.mark.parametrize("torn_before", [0, 13, 15, None])
def test_the_order_in_which_its_threads_write_changes_nothing(torn_before: int | None) -> None:
    """llama-server prints what it says of its arguments beside its log's thread, which writes the time, the level
    and the words of a line one after the other. Seen: `0.00.025.479 error: the supplied chat template …`."""
    logged = "0.00.001.505 E common_chat_templates_init: error: parser: Parser Error: Expected }} (Got )\n"
    printed = "error: the supplied chat template is not supported: {{ bad\n"
    at = len(logged) if torn_before is None else torn_before
    log = EngineLog()
    for line in (logged[:at] + printed + logged[at:]).splitlines():
        log.add(line)
    assert log.explanation() == printed.rstrip()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-c", "1"], "failed to add token"),
        (["-c", "8192", "-ctv", "q4_0", "-fa", "off"], "quantized V cache requires flash_attn"),
        (["--chat-template", "{{ bad"], "chat template is not supported"),
        (["--mmproj", str(demo_model())], "Failed to load CLIP model"),
        (["--port", "x"], "error while handling argument"),
    ],
)
def test_the_real_engine_s_own_words(flags: list[str], words: str, llama_server: Path, tmp_path: Path) -> None:
    """Row 6, with whatever debugger this machine has."""
    command = [llama_server, "-m", demo_model(), "--host", "127.0.0.1", "--port", "0", *flags]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd=tmp_path)
    log = EngineLog()
    for line in (done.stdout + done.stderr).decode(errors="replace").split("\n"):
        log.add(line)
    assert words in (log.explanation() or ""), list(log.ring)


@pytest.mark.parametrize(
    ("explanation", "of_a_port"),
    [
        ("couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 21960", True),
        (
            "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
            True,
        ),
        ("listen tcp 127.0.0.1:11434: bind: address already in use", True),
        ("Error: listen EADDRINUSE: address already in use :::3000", True),
        ("[WinError 10048] Only one usage of each socket address is normally permitted", True),
        ("failed to load model '/models/address.gguf'", False),
        ("couldn't open /models/a.gguf", False),
    ],
)
def test_an_end_for_the_port_is_known_by_its_words(explanation: str, of_a_port: bool) -> None:
    assert is_of_a_port(explanation) is of_a_port
