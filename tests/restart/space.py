"""T20: little memory. A control group with room for one and a half generations: refused with figures, and nobody is killed."""
import os
import re
import time

from limits import memory
from load import Load
from servers import Sluice, wait_for
from table import Row
from traffic import settle

ROOTS = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup")


class Group:
    """A control group of our own, of either version; made by root only."""

    def __init__(self):
        self.root = next(root for root in ROOTS if os.path.exists(f"{root}/cgroup.procs"))
        self.path = f"{self.root}/sluice-restart-{os.getpid()}"
        os.mkdir(self.path)
        self.first = os.path.exists(f"{self.path}/memory.limit_in_bytes")

    def limit(self, most):
        name = "memory.limit_in_bytes" if self.first else "memory.max"
        with open(f"{self.path}/{name}", "w", encoding="ascii") as file:
            file.write(str(most))

    def used(self):
        """Bytes, without cached files that nobody needs."""
        with open(f"{self.path}/memory.stat", encoding="ascii") as file:
            stat = dict(line.split() for line in file)
        with open(f"{self.path}/memory.{'usage_in_bytes' if self.first else 'current'}", encoding="ascii") as file:
            return int(file.read()) - int(stat["total_inactive_file" if self.first else "inactive_file"])

    def kills(self):
        with open(f"{self.path}/{'memory.oom_control' if self.first else 'memory.events'}", encoding="ascii") as file:
            return int(re.search(r"oom_kill (\d+)", file.read()).group(1))

    def enter(self):
        with open(f"{self.path}/cgroup.procs", "w", encoding="ascii") as file:
            file.write("0")

    def remove(self):
        wait_for("the group being empty", self.try_remove)

    def try_remove(self):
        try:
            os.rmdir(self.path)
        except OSError:
            return False
        return True


class Confined(Sluice):
    def __init__(self, origin, binaries, group):
        super().__init__(origin, binaries)
        self.group = group

    def start(self):
        command = [f"{self.binaries}/sluice", "-c", self.path("sluice.json")]
        self.begin(["sh", "-c", f'echo $$ > {self.group.path}/cgroup.procs && exec "$0" "$@"', *command])


def t20(kind, run):
    row = Row("T20", kind.name)
    try:
        group = Group()
    except (OSError, StopIteration):
        row.notes.append("not tried: only root can make a control group")
        return row
    server = Confined(run.origin, run.binaries, group)
    try:
        server.configure(4)
        server.start()
        wait_for("four workers", lambda: len(server.serving()) == 4)
        with Load(run.binaries, "keep", server.port, connections=1500, think=1000, timeout=5000) as load:
            time.sleep(run.base + 1)
            load.phase("during")
            before = server.serving()
            one = sum(memory(pid) for pid in before) * 1024
            group.limit(int(group.used() + one / 2))
            tries = 20 if run.long else 3
            for _ in range(tries):
                refused = server.ctl("upgrade", "--force", "--until", "probation")
                row.expect(refused.returncode == 23, f"exit status {refused.returncode}")
                figures = re.search(r"needs about ([\d.]+ MiB) of memory, and ([\d.]+ MiB) are left", refused.stdout)
                row.expect(figures, f"no figures: {refused.stdout[-200:]!r}")
            row.expect(server.serving() == before, "the workers changed")
            if figures:
                row.notes.append(f"needs {figures.group(1)}, {figures.group(2)} left")
            group.limit(-1 if group.first else "max")
            row.expect(server.restart(), "with room: the upgrade failed")
            row.expect(group.kills() == 0, f"{group.kills()} processes were killed for memory")
            counts = load.stop()
        row.add(counts)
        row.asked = f"{counts.sum('ok')} POSTs on 1,500 connections; room for half a generation"
        row.restarts = f"{tries} refused, 1"
        settle(row, server)
        return row
    finally:
        server.stop()
        group.limit(-1 if group.first else "max")
        group.remove()
