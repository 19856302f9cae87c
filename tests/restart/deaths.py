"""T17: SIGKILL of workers, of the supervisor and of the new supervisor at the marked steps of an upgrade, under load.

Needs a build with fault points (restart/fault_point.h). Listening sockets are never closed: nobody is refused. With a killed worker is
lost what it had, and no more. Workers of a killed supervisor serve on, and under a service manager with a descriptor store the next one
takes their place within two seconds. Whatever died, the next upgrade works.
"""
import os
import signal
import subprocess
import time

from load import Load
from managed import Managed, fault_points, has_fault_points, kill
from servers import descendants, running, wait_for
from table import Row

SOON = {"probation": "300ms", "probation_crashes": 2, "drain": {"idle": "500ms", "request": "2s", "upload": "2s", "tunnel": "2s"}}
PATIENT = {"backoff_min": "20ms", "backoff_max": "200ms", "crash_loop_count": 1000}
SHORT = ("preflight.after", "exec.after", "spawn.bound", "commit.listening", "commit.pausing", "commit.after", "drain.after")
CLIENTS = 256
# a worker that dies by itself, and what becomes of the upgrade
ALONE = {"worker.ready@2": "crashed", "worker.accept@2": "rolled_back", "worker.pause@1": "done", "worker.adopt": "in_place",
         "worker.drain@1": "done", "worker.drained@1": "done"}


class Deaths:
    """A row, and what its cases add to it."""

    def __init__(self, kind, what):
        self.row = Row("T17", kind.name)
        self.what, self.served, self.lost, self.kills, self.slowest = what, 0, 0, 0, 0.0

    def finish(self):
        self.row.asked = f"{self.served} new connections; {self.what}"
        self.row.restarts = f"{self.kills} deaths, an upgrade after each"
        self.row.unexplained = 0  # each case says when it is not
        self.row.notes.append(f"{self.lost} connections lost, in the dead workers")
        if self.slowest:
            self.row.notes.append(f"the next supervisor served after at most {self.slowest:.1f} s")
        return self.row


class Case:
    """One server and one load for one death."""

    def __init__(self, run, deaths, step, what, **server):
        self.run, self.deaths, self.step, self.what, self.options = run, deaths, step, what, server
        self.may_lose = 0

    def __enter__(self):
        self.server = Managed(self.run.origin, self.run.binaries, **self.options)
        try:
            # time enough to let new workers crash, where that is the step
            slow = {**SOON, "probation": "20s"} if self.step.startswith("flip_back.") else SOON
            self.server.configure(2, upgrade=slow, restart_policy=PATIENT)
            self.server.start()
            self.load = Load(self.run.binaries, "churn", self.server.port, connections=CLIENTS, rate=min(self.run.rate, 1000), timeout=8000)
            time.sleep(0.2)
            self.load.phase("during")
        except BaseException:
            self.server.stop()
            raise
        return self

    def __exit__(self, kind, error, _trace):
        try:
            with self.load:
                counts = self.load.stop()
            lost = counts.lost()
            broken = sum(lost.pop(what, 0) for what in ("reset_fresh", "partial"))
            self.deaths.served += counts.sum("ok")
            self.deaths.lost += broken
            self.expect(broken <= self.may_lose, f"{broken} connections lost, the dead had {self.may_lose}")
            self.expect(not lost, f"lost {lost}")
            if kind is not None:
                self.expect(False, str(error))
        finally:
            self.server.stop()
        return kind is not None and issubclass(kind, (RuntimeError, OSError, subprocess.TimeoutExpired))

    def expect(self, condition, otherwise):
        self.deaths.row.expect(condition, f"{self.step}, {self.what}: {otherwise}")

    def in_place(self):
        return self.step.startswith(("in_place.", "worker.adopt"))

    def begin(self):
        """An upgrade that comes to the step; who asks for it."""
        server = self.server
        if self.in_place():
            server.config["tenants"][0]["limits"] = {"request_rate": 1_000_000}
        else:
            server.config["tenants"][0]["workers"] = 3  # one more socket than before: there is something to lose
        server.save()
        if self.step.startswith("exec."):
            server.replace_program()
        caller = subprocess.Popen([f"{server.binaries}/sluicectl", "--socket", server.path("control.sock"), "upgrade",
                                   *([] if self.in_place() else ["--force"])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if self.step.startswith("flip_back."):
            self.crash_new_ones()
        return caller

    def crash_new_ones(self):
        """As often as it takes to call the old ones back."""
        dead = set()
        wait_for("the switch", lambda: self.server.status().get("generation") == 2)
        for _ in range(SOON["probation_crashes"]):
            ready = lambda: [w["pid"] for w in self.server.ask("workers")["workers"]
                             if w["tenant"] == "main" and w["generation"] == 2 and w["state"] == "ready" and w["pid"] not in dead]
            new = wait_for("a new worker", ready)
            dead.add(new[0])
            kill(new[:1])

    def next_after(self, dead):
        """The process number of the next supervisor, once it serves."""
        died = time.monotonic()
        wait_for("the next supervisor", lambda: self.server.status().get("ready") and self.server.main != dead)
        took = time.monotonic() - died
        self.deaths.slowest = max(self.deaths.slowest, took)
        self.deaths.kills += 1
        self.expect(took <= 2, f"the next supervisor served after {took:.1f} s")
        return self.server.main

    def held_by_dead(self):
        """What the log says of workers that died, and one each that nobody had counted yet."""
        ended = self.server.events("worker ended")
        return sum(r.get("connections_lost", 0) for r in ended) + len(ended)

    def well_again(self):
        """Everybody serves, the ledgers balance, and the next upgrade works."""
        server = self.server
        wait_for("everybody being well", lambda: server.status().get("ready"))
        server.config["upgrade"].update(SOON)
        server.save()
        self.expect(server.restart(), "the next upgrade failed")
        wanted = server.config["tenants"][0]["workers"]
        wait_for(f"{wanted} workers alone", lambda: len(server.serving()) == wanted)
        self.expect(server.ledger()["unexplained"] == 0, "a ledger does not balance")


def outcomes(step, victims):
    """What may become of an upgrade whose workers die at a step."""
    if step.startswith("in_place."):
        return {"in_place"}
    if step.startswith("flip_back."):
        return {"rolled_back"}
    return {"done"} if victims == "old" else {"done", "crashed", "rolled_back"}


def workers_die(kind, run, steps):
    """The supervisor stands still at a step, and workers are killed there."""
    deaths = Deaths(kind, "old, new and all workers killed while the supervisor stands at a step")
    for step in steps:
        early = step.startswith(("preflight.", "in_place.", "exec.")) or step in ("spawn.before", "spawn.bound")
        for victims in ("old", "all") if early else ("old", "new", "all"):
            with Case(run, deaths, step, f"{victims} workers") as case:
                server = case.server
                main = server.main
                before = set(server.workers(main))
                server.tell(f"{step}=stop")
                caller = case.begin()
                wait_for(f"the supervisor at {step}", server.stopped)
                server.tell("")
                kill([pid for pid in server.workers(main) if victims == "all" or (pid in before) == (victims == "old")])
                time.sleep(0.03)
                os.kill(main, signal.SIGCONT)
                caller.wait(30)
                outcome = server.upgrades()[-1]["outcome"]
                case.expect(outcome in outcomes(step, victims), f"the upgrade ended as {outcome}")
                case.well_again()
                case.may_lose += case.held_by_dead()
                deaths.kills += 1
    return deaths.finish()


def workers_die_alone(kind, run, points):
    """Workers that die by themselves at steps of their own."""
    deaths = Deaths(kind, "workers that die at steps of their own")
    for point in points:
        with Case(run, deaths, point, "by itself", faults=f"{point}=kill") as case:
            caller = case.begin()
            caller.wait(30)
            outcome = case.server.upgrades()[-1]["outcome"]
            case.expect(outcome == ALONE[point], f"the upgrade ended as {outcome}")
            case.expect(case.server.events("fault point"), "nobody died")
            if point != "worker.adopt":  # which dies again at every change
                case.well_again()
            case.may_lose += case.held_by_dead()
            deaths.kills += 1
    return deaths.finish()


def supervisor_dies(kind, run, steps, manager, new):
    """The supervisor dies at a step, the new program of it where `new` says so; a service manager starts the next one."""
    of_workers = "ends its workers too" if manager == "kills" else "leaves its workers alone"
    deaths = Deaths(kind, f"{'new supervisor' if new else 'supervisor'} killed at a step and the next one when it serves, under a service manager that {of_workers}")
    for step in steps:
        with Case(run, deaths, step, f"{'new ' if new else ''}supervisor, manager {manager}", manager=manager) as case:
            server = case.server
            main = server.main
            server.tell(f"{step}=kill")
            if new:
                server.replace_program()
            caller = case.begin()
            wait_for(f"the death at {step}", lambda: not running(main))
            family = set(descendants(server.child.pid))
            server.tell("")
            second = case.next_after(main)
            caller.wait(30)
            kill([second])  # and again, as soon as it serves
            family |= set(descendants(server.child.pid))
            wait_for("the second death", lambda: not running(second))
            third = case.next_after(second)
            case.expect(server.events("listening sockets inherited"), "no socket came back from the store")
            case.well_again()
            wait_for("the end of what the dead ones left", lambda: not [pid for pid in family if running(pid) and pid != third])
            # with workers that are killed goes what they have; whoever writes that down is dead
            if manager == "kills" or step.startswith("flip_back."):
                case.may_lose += CLIENTS
    return deaths.finish()


def t17(kind, run):
    if not has_fault_points(run.binaries):
        row = Row("T17", kind.name)
        row.expect(False, "built without fault points")
        return row
    every = [point for point in fault_points() if not point.startswith("worker.")]
    steps = every if run.long else [point for point in every if point in SHORT]
    later = [point for point in steps if not point.startswith(("preflight.", "in_place.")) and point != "exec.before"]
    return [workers_die(kind, run, steps), workers_die_alone(kind, run, ALONE if run.long else list(ALONE)[:3]),
            supervisor_dies(kind, run, steps, "kills", new=False), supervisor_dies(kind, run, steps, "keeps", new=False),
            supervisor_dies(kind, run, later, "keeps", new=True)]
