"""T1 to T5 and T11: what clients lose while a server restarts again and again."""
import os
import signal
import time

from load import Load
from table import Row

WORKERS_T2 = [2, 16, 1, 8]


def started(kind, run, workers=2, **more):
    """A server that serves; the caller stops it."""
    server = kind(run.origin, run.binaries)
    try:
        server.configure(workers, **more)
        server.start()
    except BaseException:
        server.stop()
        raise
    return server


def ours(server):
    return server.name == "sluice"


def settle(row, server):
    """Fills in what a server says about its restarts, after the load."""
    if not ours(server):
        return
    sums = server.ledger()
    row.unexplained = sums["unexplained"]
    row.expect(sums.get("crashed", 0) == 0, f"{sums.get('crashed')} crashed")
    if sums["draining"]:
        row.notes.append(f"{sums['draining']} old generations still drain")
    if sums.get("handed_over"):
        row.notes.append(f"{sums['handed_over']} handed over")
    row.expect(server.failed == 0, f"{server.failed} upgrades failed")


def restarting(row, run, server, load, steps=(None,), every=1.0):
    """A time without restarts, then one restart after the other, each with the next of the steps' numbers of workers."""
    time.sleep(run.base)
    load.phase("during")
    end, made, bad = time.monotonic() + run.seconds, 0, 0
    while time.monotonic() < end:
        begin = time.monotonic()
        bad += not server.restart(steps[made % len(steps)])
        made += 1
        time.sleep(max(0.0, begin + every - time.monotonic()))
    time.sleep(0.3)
    row.restarts = f"{made}" + (f", {bad} failed" if bad else "")


def churn(test, kind, run, workers, steps, what):
    row = Row(test, kind.name)
    server = started(kind, run, workers)
    try:
        with Load(run.binaries, "churn", server.port, connections=512, rate=run.rate, timeout=5000) as load:
            restarting(row, run, server, load, steps)
            counts = load.stop()
        row.add(counts)
        row.asked = f"{counts.sum('ok') + sum(counts.lost().values())} new connections, {run.rate} a second{what}"
        settle(row, server)
    finally:
        server.stop()
    return row


def t1(kind, run):
    """New connections during restarts, the number of workers stays."""
    return churn("T1", kind, run, 2, (None,), "")


def t2(kind, run):
    """The same, with 8, 2, 16, 1, 8 workers in turn, with tcp_migrate_req 0 and, where it may be set, 1."""
    rows = []
    for migrate in ("0", "1"):
        if not run.sysctl("net.ipv4.tcp_migrate_req", migrate) and migrate == "1":
            break
        rows.append(churn("T2", kind, run, 8, WORKERS_T2, f", 8→2→16→1→8 workers, migrate_req {migrate}"))
    run.sysctl("net.ipv4.tcp_migrate_req", "0")
    return rows


def t3(kind, run):
    """A full accept queue of workers that are stopped, then a restart: the new ones answer everybody."""
    row = Row("T3", kind.name)
    server = started(kind, run, 1)
    stopped = []
    try:
        number = min(4000, run.somaxconn - 96)
        stopped = server.serving()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        with Load(run.binaries, "burst", server.port, connections=number, timeout=15000) as load:
            time.sleep(1)
            load.phase("during")
            done = server.restart()
            time.sleep(1)
            counts = load.stop()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        row.add(counts)
        row.p99 = (None, None)
        row.restarts = "1" if done else "1, 1 failed"
        row.asked = f"{number} connections in the queue of stopped workers"
        row.expect(counts.sum("ok") == number, f"{counts.sum('ok')} answered")
        settle(row, server)
    finally:
        for pid in stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except OSError:
                pass
        server.stop()
    return row


def t4(kind, run):
    """Kept connections, POST with a body, pauses of 0 to 200 ms; nothing is tried again."""
    row = Row("T4", kind.name)
    server = started(kind, run)
    try:
        number = 5000 if run.long else 400
        with Load(run.binaries, "keep", server.port, connections=number, think=200, timeout=5000) as load:
            restarting(row, run, server, load)
            counts = load.stop()
        row.add(counts)
        row.asked = f"{counts.sum('ok') + sum(counts.lost().values())} POSTs on {number} kept connections"
        row.notes.append(f"{counts.sum('close_announced')} closes announced")
        settle(row, server)
    finally:
        server.stop()
    return row


def t5(kind, run):
    """Slow uploads and slow downloads across restarts, byte for byte."""
    rows = []
    number, size = (200, 100 << 20) if run.long else (20, 2 << 20)
    for mode in ("upload", "download"):
        row = Row("T5", kind.name)
        server = started(kind, run)
        try:
            pace = size / max(2.0, run.seconds / 2)
            with Load(run.binaries, mode, server.port, connections=number, size=size, pace=pace, timeout=run.seconds * 2000) as load:
                restarting(row, run, server, load)
                counts = load.stop()
            row.add(counts)
            row.p99 = (None, None)
            row.asked = f"{counts.sum('ok') + sum(counts.lost().values())} {mode}s of {size >> 20} MiB, {number} at a time, byte-exact"
            settle(row, server)
        finally:
            server.stop()
        rows.append(row)
    return rows


def t11(kind, run):
    """Tunnels that outlive many restarts, a message every so often, echo compared byte for byte."""
    rows = []
    number, every = (2000, 1000) if run.long else (100, 100)
    for mode in ("connect", "upgrade") if kind.name == "sluice" else ("upgrade",):
        row = Row("T11", kind.name)
        server = started(kind, run)
        try:
            port = server.tunnels if mode == "connect" else server.port
            with Load(run.binaries, mode, port, target=run.origin.echo, connections=number, every=every) as load:
                restarting(row, run, server, load)
                left = len(server.serving())
                counts = load.stop()
            row.add(counts)
            row.asked = f"{counts.sum('messages')} messages through {number} {'CONNECT tunnels' if mode == 'connect' else 'WebSockets'}"
            row.notes.append(f"{left} processes serve at the end")
            settle(row, server)
        finally:
            server.stop()
        rows.append(row)
    return rows
