"""T12 and T13: datagrams over restarts, flows and single ones, steered by BPF and by passing on. (Sluice relays no QUIC yet: T13 is UDP.)"""
import os
import time

from load import Load
from servers import Sluice, free_port, wait_for
from table import Row

STEERINGS = ("bpf", "forward") if os.getuid() == 0 else ("forward",)


class Echo(Sluice):
    """Sluice with an endpoint that answers datagrams, and says which worker did."""

    def __init__(self, origin, binaries, steering):
        super().__init__(origin, binaries)
        self.datagrams, self.steering = free_port(), steering

    def configure(self, workers, upgrade=None, **more):
        drain = {"idle": "1s", "request": "1s", "upload": "1s", "tunnel": "1s", "flow": "1h", "spread": 0}
        super().configure(workers, upgrade={"udp_steering": self.steering, "drain": drain, **(upgrade or {})}, **more)
        echo = {"name": "echo", "protocol": "udp", "mode": "echo", "listen": [f"127.0.0.1:{self.datagrams}"], "echo": {"tag": True},
                "udp": {"rate": 0, "idle_timeout": "10s"}}
        self.config["tenants"][0]["endpoints"].append(echo)
        self.save()


def over_restarts(test, run, mode, steering, **load_options):
    row = Row(test, "sluice")
    server = Echo(run.origin, run.binaries, steering)
    restarts = 10 if run.long else 4
    try:
        server.configure(2)
        server.start()
        with Load(run.binaries, mode, server.datagrams, timeout=2000, **load_options) as load:
            time.sleep(run.base + 1)
            load.phase("during")
            for _ in range(restarts):
                row.expect(server.restart(), "an upgrade failed")
                time.sleep(run.seconds / restarts)
            counts = load.stop()
        row.add(counts)
        row.restarts = str(restarts)
        answered = counts.sum("messages")
        row.expect(answered > 0, "nothing was answered")
        wait_for("the status", lambda: server.ask("status").get("udp_steering"))
        used = server.ask("status")["udp_steering"]["kind"]
        row.expect(used == steering, f"steered by {used}")
        return row, answered
    finally:
        server.stop()


def t12(_kind, run):
    """Flows stay with their worker, and no datagram is lost."""
    rows = []
    number = 5000 if run.long else 1000
    for steering in STEERINGS:
        row, answered = over_restarts("T12", run, "flows", steering, connections=number, every=200)
        row.asked = f"{answered} datagrams of {number} flows, {steering}"
        rows.append(row)
    return rows


def t13(_kind, run):
    """Single datagrams, each from a port of its own: all answered."""
    rows = []
    for steering in STEERINGS:
        row, answered = over_restarts("T13", run, "shots", steering, connections=64)
        row.asked = f"{answered} single datagrams, {steering}"
        rows.append(row)
    return rows
