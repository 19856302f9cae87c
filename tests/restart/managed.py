"""Sluice with a supervisor of its own that may be replaced or killed, alone or under a service manager with a descriptor store."""
import json
import os
import re
import shutil
import signal

from servers import Sluice, children, put, running, wait_for

POINTS = os.path.join(os.path.dirname(__file__), "../../restart/fault_point.h")
MANAGER = os.path.join(os.path.dirname(__file__), "../integration/kit/service_manager.ts")


def fault_points():
    """Their names, in the order of an upgrade."""
    with open(POINTS, encoding="utf-8") as file:
        return re.findall(r'FaultPointFacts\{FaultPoint::\w+, "([a-z_.]+)"', file.read())


def has_fault_points(binaries):
    with open(os.path.join(binaries, "sluice"), "rb") as file:
        return b"SLUICE_FAULT_FILE" in file.read()


class Managed(Sluice):
    """`manager`: None, or what becomes of the workers of a dead supervisor: "kills" or "keeps"."""

    def __init__(self, origin, binaries, manager=None, faults=""):
        super().__init__(origin, binaries)
        self.manager = manager
        self.environment = {**os.environ, "SLUICE_FAULT_FILE": self.path("faults")}
        if faults:
            self.environment["SLUICE_FAULTS"] = faults
        self.write("faults", "")
        os.mkdir(self.path("bin"))
        shutil.copy(f"{binaries}/sluice", self.path("bin/sluice"))
        for name in ("sluice-proxy", "sluice-admin"):
            os.symlink(f"{binaries}/{name}", self.path("bin/" + name))

    def start(self):
        command = [self.path("bin/sluice"), "-c", self.path("sluice.json")]
        if self.manager:
            with open(MANAGER, encoding="utf-8") as file:  # one program for both suites
                self.write("manager.py", re.search(r"String\.raw`([^`]*)`", file.read()).group(1))
            command = ["python3", self.path("manager.py"), self.manager, self.path("notify.sock"), *command]
        self.begin(command, self.environment)
        wait_for("all workers", lambda: self.status().get("ready"))

    def status(self):
        """What it says of itself; nothing when nobody is there."""
        try:
            return json.loads(self.ctl("--json", "status").stdout)
        except ValueError:
            return {}

    @property
    def main(self):
        """The process number of the supervisor."""
        return self.status()["pid"] if self.manager else self.child.pid

    def replace_program(self):
        put(f"{self.binaries}/sluice", self.path("bin/sluice"))

    def tell(self, words):
        """What happens at fault points from now on."""
        self.write("faults.new", words)
        os.rename(self.path("faults.new"), self.path("faults"))

    def events(self, event, **fields):
        return [r for r in self.log_records() if r.get("event") == event and all(r.get(k) == v for k, v in fields.items())]

    def workers(self, main):
        """The processes of the tenant below this supervisor, whatever it says of them."""
        found = []
        for pid in children(main):
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                    name = file.read().strip()
            except OSError:
                continue
            if not name.startswith("sluice/") and name != "sluice-admin":
                found.append(pid)
        return found

    def stopped(self):
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"

    def stop_child(self):
        if self.child is not None and self.child.poll() is None:
            self.tell("")
            os.kill(self.child.pid, signal.SIGCONT)
        super().stop_child()


def kill(pids):
    """How many were there to be killed."""
    killed = 0
    for pid in pids:
        if running(pid):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed
