"""Runs a program after a while: `late.py SECONDS PROGRAM ARGUMENT…`; at once if it is asked about itself."""

import subprocess
import sys
import time

seconds, *argv = sys.argv[1:]
if not {"--version", "--help", "--log-jsonl"}.intersection(argv):
    time.sleep(float(seconds))
sys.exit(subprocess.run(argv, check=False).returncode)
