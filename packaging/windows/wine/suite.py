"""Which tests are run for Windows: under Wine by `make test-windows`, on Windows by the release workflow.

Run as a program it prints them, for a command line. What of them is left out, and why: tests/not_on_windows.py.
"""

SETUP = "tests/e2e/test_windows_setup.py"
# What has been gone through; the rest of tests/e2e is not looked at on Windows yet.
E2E = (
    *("first_light", "starts", "windows", "names", "model_files", "pull", "downloads"),
    *("edge", "limit", "breaker"),
)
FAULTS = (
    *("an_engine_that_ends_early_is_quoted_and_the_model_before_restored", "a_slow_engine_shows_how_far_it_is"),
    *("a_stream_that_a_person_cuts_is_aborted_with_an_error", "quitting_ends_a_deaf_engine_and_its_stream"),
    *("a_stream_that_ends_in_time_is_waited_for", "quitting_while_an_engine_loads_leaves_nothing"),
    "an_engine_killed_while_it_loads_brings_the_model_before_back",
)
RELOAD = (
    *("a_policy_is_picked_up_from_the_file_without_a_restart", "a_new_gguf_is_offered_and_nothing_restarts"),
    *("a_download_becomes_usable_when_it_is_complete", "a_taken_port_leaves_the_old_one_and_is_told"),
    *("another_port_answers_the_old_one_refuses_and_engines_stay", "an_invalid_edit_writes_nothing"),
    *("a_broken_file_changes_nothing_is_shown_and_forgotten_when_mended", "the_first_edit_makes_the_file"),
    "another_llama_server_restarts_every_engine",
)
SUITE = (
    *("tests/app", "tests/router", "tests/test_not_on_windows.py"),
    *(f"tests/e2e/test_{name}.py" for name in E2E),
    *(f"tests/e2e/test_faults.py::test_{name}" for name in FAULTS),
    *(f"tests/e2e/test_reload.py::test_{name}" for name in RELOAD),
    SETUP,
)
WITHOUT_ENGINE = (
    *(f"tests/app/test_{name}.py" for name in ("autostart", "streams", "journal")),
    *("tests/router/base", "tests/router/catalog", "tests/router/config", "tests/test_not_on_windows.py"),
)
"""What CI has the time for: all that reads, writes and names files, and needs no llama-server."""

if __name__ == "__main__":
    print(*SUITE)
