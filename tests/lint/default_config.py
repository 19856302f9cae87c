#!/usr/bin/env python3
"""deploy/sluice.yaml is what `sluice --print-default-config` prints, and starts as it is (`--check` has nothing to say)."""
import pathlib
import subprocess
import sys

sluice = sys.argv[1]
committed = pathlib.Path(__file__).parents[2] / "deploy/sluice.yaml"
printed = subprocess.run([sluice, "--print-default-config"], check=True, capture_output=True, text=True).stdout
if printed != committed.read_text():
    sys.exit(f"{committed.name} is old: `sluice --print-default-config > deploy/sluice.yaml`")
checked = subprocess.run([sluice, "--check", "-c", str(committed)], capture_output=True, text=True)
if checked.returncode != 0:
    sys.exit(f"{committed.name} is not valid:\n{checked.stderr}")
