"""What a restart costs: the switch with many listeners, memory of a generation that drains, and the time that requests take meanwhile."""
import socket
import statistics
import time

from limits import memory
from load import Load
from servers import free_port
from table import Row
from traffic import settle, started


def switch(kind, run):
    """The time of the switch with 1,000 listeners: at most 10 ms, in the middle of ten."""
    row = Row("switch", kind.name)
    count = 1000
    server = started(kind, run, 1)
    try:
        web = server.config["tenants"][0]["endpoints"][0]
        port = free_port()
        web["listen"] += [f"127.1.{i // 250}.{i % 250 + 1}:{port}" for i in range(count - 1)]
        server.save()
        server.restart()
        for _ in range(10):
            server.restart()
        took = [r["microseconds"] for r in server.log_records() if r.get("event") == "generation serves"][1:]
        row.asked = f"{count} listeners"
        row.restarts = str(len(took))
        row.expect(statistics.median(took) <= 10_000, f"{statistics.median(took):.0f} µs")
        row.notes.append(f"the switch took {statistics.median(took):.0f} µs, at most {max(took)}")
        settle(row, server)
        return row
    finally:
        server.stop()


def draining(kind, run):
    """Memory of a worker that drains with one idle connection, ten seconds after, beside what it had when it served."""
    row = Row("memory", kind.name)
    server = started(kind, run, 1, upgrade={"handover": {"enabled": False}, "drain": {"idle": "1h", "spread": 0}})
    try:
        number = 2000
        with Load(run.binaries, "keep", server.port, connections=number, think=200, timeout=5000) as load:
            time.sleep(run.base + 1)
            old = server.serving()[0]
            serving = memory(old)
            with socket.create_connection(("127.0.0.1", server.port)) as idle:
                idle.sendall(b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.2)
                load.phase("during")
                server.restart()
                time.sleep(10)
                new = [pid for pid in server.serving() if pid != old][0]
                left, beside = memory(old), memory(new)
                bare = bare_memory(kind, run)
            counts = load.stop()
        row.add(counts)
        row.asked = f"{counts.sum('ok')} POSTs on {number} connections, one idle connection"
        row.restarts = "1"
        row.notes.append(f"KiB of its own: serving {serving}, the new one {beside}, draining after 10 s {left}, an idle one that has served nothing {bare}")
        row.notes.append(f"{100 * left // serving} %")
        row.expect(left <= 0.2 * serving, f"the draining one has {100 * left // serving} % of what it had when it served")
        settle(row, server)
        return row
    finally:
        server.stop()


def bare_memory(kind, run):
    server = started(kind, run, 1)
    try:
        return memory(server.serving()[0])
    finally:
        server.stop()


def slowness(kind, run):
    """How much longer requests take around an upgrade than right before it, far below saturation: 99 of 100, in the middle of many."""
    row = Row("p99", kind.name)
    server = started(kind, run)
    count, seconds = (31, 1.0) if run.long else (11, 0.6)
    try:
        with Load(run.binaries, "keep", server.port, connections=100, think=200, timeout=5000) as load:
            time.sleep(1)
            for i in range(count):
                load.phase(f"before {i}")
                time.sleep(seconds)
                load.phase(f"during {i}")
                begin = time.monotonic()
                server.restart()
                time.sleep(max(0.0, begin + seconds - time.monotonic()))
                load.phase("between")
                time.sleep(0.2)
            counts = load.stop()
        row.add(counts)
        pairs = [(counts.p99(f"before {i}"), counts.p99(f"during {i}")) for i in range(count)]
        row.p99 = tuple(statistics.median(column) for column in zip(*pairs))
        more = statistics.median(during - before for before, during in pairs)
        row.asked = f"{counts.sum('ok')} POSTs on 100 connections"
        row.restarts = str(count)
        row.notes.append(f"p99 in the {seconds:g} s of an upgrade is {more:+.1f} ms, in the middle")
        row.expect(more <= 5, f"p99 is {more:.1f} ms longer")
        settle(row, server)
        return row
    finally:
        server.stop()


def costs(kind, run):
    return [switch(kind, run), draining(kind, run), slowness(kind, run)]
