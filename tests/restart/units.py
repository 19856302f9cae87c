"""T22: our unit under a real systemd. The script beside this one is a program of its own, because it needs namespaces."""
import os
import subprocess

import table


def t22(kind, run):
    row = table.Row("T22", kind.name)
    script = os.path.join(os.path.dirname(__file__), "systemd")
    times = 50 if run.long else 1
    if os.getuid() != 0 or not os.path.exists("/lib/systemd/systemd"):
        row.notes.append("left out: it needs root and systemd")
        return row
    ended = subprocess.run([script, run.binaries, str(times)], capture_output=True, text=True, check=False)
    lines = ended.stdout.splitlines()
    row.asked = f"{sum(line.startswith(('ok', 'FAIL')) for line in lines)} steps"
    row.notes += [line.split("  ", 2)[-1].strip() for line in lines if "load over" in line]
    row.faults += [line for line in lines if line.startswith("FAIL")]
    row.expect(ended.returncode == 0, (ended.stderr.strip().splitlines() or ["it ended with 1"])[-1])
    return row
