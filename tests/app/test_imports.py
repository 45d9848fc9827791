from __future__ import annotations

import subprocess
import sys


def test_the_command_line_and_the_pure_parts_start_without_qt() -> None:
    code = (
        "import sys, app, app.link.link, app.link.router_host, app.views.menu, app.views.notices\n"
        "import app.texts.common, app.texts.window\n"
        "import app.views.connect, app.views.first_run, app.views.log, app.views.memory, app.views.quit\n"
        "import app.system.redact\n"
        "import app.views.slot, app.views.switch, app.texts.translate\n"
        "import app.link.chat_request, app.system.desktop_state\n"
        "sys.exit(', '.join(name for name in sys.modules if name.startswith(('PySide6', 'qasync'))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
