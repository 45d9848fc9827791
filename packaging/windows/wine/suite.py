"""Which tests are run for Windows: under Wine by `make test-windows`, on Windows by the release workflow.

Run as a program it prints them, for a command line. What of them is left out, and why: tests/not_on_windows.py.
"""

SETUP = "tests/e2e/test_windows_setup.py"
# What has been gone through; the rest of tests/e2e is not looked at on Windows yet.
E2E = ("first_light", "starts", "windows")
FAULTS = ("quitting_ends_a_deaf_engine_and_its_stream", "quitting_while_an_engine_loads_leaves_nothing")
SUITE = (
    *("tests/app", "tests/router", "tests/test_not_on_windows.py"),
    *(f"tests/e2e/test_{name}.py" for name in E2E),
    *(f"tests/e2e/test_faults.py::test_{name}" for name in FAULTS),
    SETUP,
)
WITHOUT_ENGINE = (
    *(f"tests/app/test_{name}.py" for name in ("autostart", "streams", "journal")),
    *("tests/router/base", "tests/router/catalog", "tests/router/config", "tests/test_not_on_windows.py"),
)
"""What CI has the time for: all that reads, writes and names files, and needs no llama-server."""

if __name__ == "__main__":
    print(*SUITE)
