"""T17: SIGKILL of old workers, new ones, all of them, the supervisor and the new supervisor, at the marked steps of an upgrade (fault points).

Listening sockets are never closed: nobody is refused. With a killed worker is lost what it had, and no more. Workers of a killed
supervisor serve on; under a service manager with a descriptor store the next one takes their place. The next upgrade works.
"""
import subprocess
import time

from load import Load
from managed import Managed, fault_points, has_fault_points, kill
from servers import wait_for
from table import Row

SOON = {"probation": "300ms", "probation_crashes": 2, "drain": {"idle": "500ms", "request": "2s", "upload": "2s", "tunnel": "2s"}}
PATIENT = {"backoff_min": "20ms", "backoff_max": "200ms", "crash_loop_count": 1000}
SHORT = ("preflight.after", "exec.after", "spawn.bound", "commit.listening", "commit.pausing", "commit.after", "drain.after")
OUTCOMES = {"old": {"done"}, "new": {"done", "crashed", "rolled_back"}, "all": {"done", "crashed", "rolled_back"}}
ALONE = {"worker.ready@2": "crashed", "worker.accept@2": "rolled_back", "worker.pause@1": "done", "worker.drain@1": "done",
         "worker.drained@1": "done", "worker.adopt": "in_place"}


class Case:
    """One server, one load, one death."""

    def __init__(self, row, run, what, **more):
        self.row, self.run, self.what, self.more = row, run, what, more
        self.held = 0

    def __enter__(self):
        self.server = Managed(self.run.origin, self.run.binaries, **self.more)
        try:
            self.server.configure(2, upgrade=SOON, restart_policy=PATIENT)
            self.server.start()
            self.load = Load(self.run.binaries, "churn", self.server.port, connections=256, rate=min(self.run.rate, 300), timeout=8000)
            time.sleep(0.2)
            self.load.phase("during")
        except BaseException:
            self.server.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        with self.load:
            if kind is None:
                counts = self.load.stop()
                lost = counts.lost()
                broken = sum(lost.pop(what, 0) for what in ("reset_fresh", "partial"))
                self.row.held += broken
                self.expect(broken <= self.held, f"{broken} connections lost, {self.held} were in the killed workers")
                self.expect(not lost, f"lost {lost}")
                self.row.done += counts.sum("ok")
        self.server.stop()

    def expect(self, condition, otherwise):
        self.row.expect(condition, f"{self.what}: {otherwise}")

    def begin(self, step):
        """An upgrade that will reach this step; the process of who asks."""
        server = self.server
        tenant = server.config["tenants"][0]
        if step.startswith("in_place."):
            tenant["limits"] = {"request_rate": 1_000_000}
        else:
            tenant["workers"] = 3  # one socket more than before, so that there is something to lose
        server.save()
        if step.startswith("exec."):
            server.replace_program()
        asks = ["upgrade"] if step.startswith("in_place.") else ["upgrade", "--force"]
        caller = subprocess.Popen([f"{server.binaries}/sluicectl", "--json", "--socket", server.path("control.sock"), *asks],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if step.startswith("flip_back."):
            self.crash_new_ones(set(server.serving()))
        return caller

    def crash_new_ones(self, old):
        """What it takes for the old ones to be called back."""
        dead = set()
        for _ in range(SOON["probation_crashes"]):
            new = wait_for("a new worker", lambda: [p for p in self.server.workers() if p not in old | dead and self.server.status()["generation"] == 2])
            kill(new[:1])
            dead.add(new[0])
        self.held += 256  # what was in them is written down nowhere: the supervisor dies with it

    def held_by_dead(self):
        """What the log says of workers that died, and one connection each that nobody had counted yet."""
        ended = self.server.events("worker ended")
        return sum(r.get("connections_lost", 0) for r in ended) + len(ended)


def workers_die(run, steps):
    """The supervisor stands still at a step while workers are killed."""
    row = row_of("T17", "workers")
    for step in steps:
        for victims in ("old", "new", "all"):
            early = step.startswith(("preflight.", "in_place.", "exec.")) or step in ("spawn.before", "spawn.bound")
            if victims == "new" and early:
                continue
            with Case(row, run, f"{step}, {victims}") as case:
                server = case.server
                before = set(server.workers())
                server.tell(f"{step}=stop")
                caller = case.begin(step)
                wait_for(f"the supervisor at {step}", server.stopped)
                server.tell("")
                there = server.workers()
                kill([p for p in there if victims == "all" or (p in before) == (victims == "old")])
                time.sleep(0.03)
                import os, signal
                os.kill(server.child.pid, signal.SIGCONT)
                answer(case, caller, OUTCOMES[victims] | ({"in_place"} if step.startswith("in_place.") else set())
                       | ({"rolled_back"} if step.startswith("flip_back.") else set()))
                well_again(case)
                case.held += case.held_by_dead()
                row.kills += 1
    return row
