from __future__ import annotations

import subprocess
import sys


def test_the_command_line_and_the_pure_parts_start_without_qt() -> None:
    code = (
        "import sys, app, app.link, app.router_host, app.menu_model, app.notices, app.text, app.text_window\n"
        "import app.connect, app.first_run, app.log_model, app.memory_model, app.quit_model, app.redact\n"
        "import app.slot_model, app.switch_model, app.translate, app.ask, app.remembered\n"
        "sys.exit(', '.join(name for name in sys.modules if name.startswith(('PySide6', 'qasync'))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
