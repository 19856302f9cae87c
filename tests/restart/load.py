"""The load and the origin of the scenarios, restart-load and restart-origin, as objects."""
import json
import os
import subprocess

# what a client may never see; everything else that the load counts is no loss
LOSSES = ("refused", "unreachable", "reset_fresh", "lost_reused", "idle_unannounced", "partial", "timeout", "status", "wrong", "tunnel_lost")


class Origin:
    def __init__(self, binaries):
        self.child = subprocess.Popen([os.path.join(binaries, "restart-origin")], stdout=subprocess.PIPE, text=True)
        self.port, self.echo = (int(word) for word in self.child.stdout.readline().split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        self.child.stdout.close()


class Load:
    """Clients that ask from now on. `mode` and the options are restart-load's (load/plan.h)."""

    def __init__(self, binaries, mode, port, **options):
        arguments = [os.path.join(binaries, "restart-load"), "--mode", mode, "--port", str(port)]
        for name, value in options.items():
            arguments += [f"--{name}", str(int(value))]
        self.child = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.result = None

    def phase(self, name):
        self.child.stdin.write(name + "\n")
        self.child.stdin.flush()

    def stop(self):
        """Lets open requests end; the counts."""
        if self.result is None:
            out, _ = self.child.communicate("stop\n", timeout=120)
            self.result = Counts(json.loads(out))
        return self.result

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.result is None:
            self.child.kill()
            self.child.communicate()


class Counts:
    def __init__(self, result):
        self.phases, self.opened = result["phases"], result["opened"]

    def sum(self, kind):
        return sum(phase[kind] for phase in self.phases.values())

    def lost(self):
        return {kind: self.sum(kind) for kind in LOSSES if self.sum(kind)}

    def p99(self, phase):
        counts = self.phases.get(phase, {"ok": 0, "messages": 0})
        return counts["p99_us"] / 1000 if counts["ok"] + counts["messages"] else None
