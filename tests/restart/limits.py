"""T18, T19 and T25 to T27: many restarts in a row, storms of them, counters, fairness and deadlines."""
import collections
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

from load import Load
from servers import free_port, running, wait_for
from table import Row
from traffic import settle, started


def descriptors(pid):
    """How many of each kind a process has open."""
    kinds = collections.Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds[re.sub(r"[:/].*", "", os.readlink(f"/proc/{pid}/fd/{name}")) or "file"] += 1
        except OSError:
            pass
    return kinds


def memory(pid):
    """Anonymous and shared memory in KiB: what is the process's own."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0]) + int(fields["RssShmem"].split()[0])


def t18(kind, run):
    """Many restarts in a row with tunnels alive: descriptors, memory and generations afterwards as at the start."""
    row = Row("T18", kind.name)
    count, tunnels, every = (200, 500, 2.0) if run.long else (20, 100, 0.3)
    server = started(kind, run, upgrade={"keep": 5})
    try:
        with Load(run.binaries, "connect", server.tunnels, target=run.origin.echo, connections=tunnels, every=200) as load:
            time.sleep(run.base)
            for _ in range(6):  # records are kept for five upgrades: what is measured is beyond that
                server.restart()
            time.sleep(1.5)
            fds, rss = descriptors(server.child.pid), memory(server.child.pid)
            load.phase("during")
            most = 0
            for _ in range(count):
                server.restart()
                most = max(most, len({w["generation"] for w in server.ask("workers")["workers"]}))
                time.sleep(every)
            time.sleep(1.5)
            after, rss_after = descriptors(server.child.pid), memory(server.child.pid)
            left = len({w["generation"] for w in server.ask("workers")["workers"]})
            counts = load.stop()
        row.add(counts)
        row.asked = f"{counts.sum('messages')} messages through {tunnels} tunnels"
        row.restarts = str(count)
        row.expect(after == fds, f"descriptors of the supervisor: {dict(fds)} before, {dict(after)} after")
        row.expect(rss_after <= rss * 1.02 + 64, f"memory of the supervisor: {rss} KiB before, {rss_after} after")
        row.expect(left == 1, f"{left} generations live at the end")
        row.notes += [f"supervisor: {sum(fds.values())} → {sum(after.values())} descriptors, {rss} → {rss_after} KiB",
                      f"at most {most} generations at a time, {left} at the end"]
        settle(row, server)
        return row
    finally:
        server.stop()


def t19(kind, run):
    """1,000 SIGHUPs in a second and 50 callers at once, with a configuration that has changed: two restarts at most, everybody hears."""
    row = Row("T19", kind.name)
    server = started(kind, run)
    try:
        with Load(run.binaries, "churn", server.port, connections=512, rate=min(run.rate, 500), timeout=5000) as load:
            time.sleep(run.base)
            load.phase("during")
            server.config["tenants"][0]["workers"] = 3
            server.save()
            callers = []
            for i in range(1000):
                server.child.send_signal(signal.SIGHUP)
                if i % 20 == 0:
                    callers.append(subprocess.Popen([f"{server.binaries}/sluicectl", "--socket", server.path("control.sock"), "upgrade", "--until",
                                                     "probation"], stdout=subprocess.PIPE, text=True))
                time.sleep(0.001)
            results = [(caller.communicate(timeout=30)[0], caller.returncode) for caller in callers]
            counts = load.stop()
        row.add(counts)
        made = [u for u in server.upgrades() if u["to"]]
        row.asked = f"{counts.sum('ok') + sum(counts.lost().values())} new connections; 1,000 SIGHUPs, {len(callers)} callers"
        row.restarts = f"{len(made)}, {len(server.upgrades()) - len(made)} found nothing to do"
        row.expect(1 <= len(made) <= 2, f"{len(made)} restarts")
        wrong = collections.Counter(code for _, code in results if code != 0)
        row.expect(not wrong, f"callers heard {dict(wrong)}")
        row.expect(len(server.serving()) == 3, f"{len(server.serving())} workers at the end")
        settle(row, server)
        return row
    finally:
        server.stop()


def counters(port):
    """All samples of counters and histograms, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
        text = answer.read().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    samples = {}
    for name, labels, value in re.findall(r"^(\w+)(\{[^\n]*\})? (\S+)$", text, re.MULTILINE):
        if "counter" in kinds.get(name, "") or kinds.get(re.sub(r"_(bucket|sum|count)$", "", name)) == "histogram":
            samples[name + labels] = float(value)
    return samples


def t25(kind, run):
    """Counters never go back over many restarts, and their sum is what the clients counted."""
    row = Row("T25", kind.name)
    port = free_port()
    server = started(kind, run, admin={"listen": [f"127.0.0.1:{port}"]})
    count, scraped = (50 if run.long else 10), 0
    try:
        with Load(run.binaries, "keep", server.port, connections=200, think=100, timeout=5000) as load:
            time.sleep(run.base)
            load.phase("during")
            last = counters(port)
            for _ in range(count):
                server.restart()
                for _ in range(3):
                    time.sleep(0.1)
                    try:
                        now = counters(port)
                    except OSError:
                        continue  # the admin process changes, too
                    scraped += 1
                    back = [f"{name} {value:g} to {now.get(name)}" for name, value in last.items() if now.get(name, -1) < value]
                    row.expect(not back, f"went back: {', '.join(back[:3])}")
                    last = now
            counts = load.stop()
        time.sleep(0.5)
        total = sum(v for name, v in counters(port).items() if name.startswith("sluice_requests_total{") and 'tenant="main"' in name)
        row.add(counts)
        row.asked = f"{counts.sum('ok')} requests, {scraped} scrapes"
        row.restarts = str(count)
        row.expect(total == counts.sum("ok"), f"the server counted {total:g} requests, the clients {counts.sum('ok')}")
        row.notes.append(f"requests by the server's count: {total:g}")
        settle(row, server)
        return row
    finally:
        server.stop()


def t26(kind, run):
    """Idle connections that are told to go come back spread out; those that are handed over do not notice."""
    rows = []
    number = 10000 if run.long else 2000
    idle, spread = 4.0, 50
    for handed in (False, True):
        row = Row("T26", kind.name)
        drain = {"idle": f"{int(idle)}s", "spread": spread}
        server = started(kind, run, upgrade={"drain": drain, "handover": {"enabled": handed}})
        try:
            with Load(run.binaries, "hold", server.port, connections=number, timeout=5000) as load:
                time.sleep(run.base)
                load.phase("during")
                before = sum(load_so_far(server))
                server.restart()
                time.sleep(idle + 1.5)
                counts = load.stop()
            again = counts.opened[int(run.base * 10):]
            peak = max((sum(again[i:i + 10]) for i in range(len(again))), default=0)
            row.asked = f"{before} idle connections, {'handed over' if handed else f'told to go within {idle:g} s, spread {spread} %'}"
            row.restarts = "1"
            allowed = 0 if handed else number / (idle * spread / 100) * 1.1
            row.expect(peak <= allowed, f"{peak} came back in one second, {allowed:.0f} are fair")
            row.notes.append(f"{sum(again)} came back, at most {peak} in a second")
            # idle connections that reach the end of their budget get a FIN: that is what is asked here
            for what, lost in counts.lost().items():
                if what != "idle_unannounced" or handed:
                    row.lost[what] = lost
            settle(row, server)
        finally:
            server.stop()
        rows.append(row)
    return rows


def load_so_far(server):
    return [1 for c in server.ask("connections").get("connections", [])]


def t27(kind, run):
    """Peers that are stuck: the old processes are gone by the deadline, and every connection that was cut is named."""
    row = Row("T27", kind.name)
    budget = 2
    server = started(kind, run, upgrade={"handover": {"enabled": False},
                                         "drain": {"idle": f"{budget}s", "request": f"{budget}s", "upload": f"{budget}s", "tunnel": f"{budget}s", "spread": 0}})
    peers = []

    def peer(port, text, answer=b""):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(5)
        s.connect(("127.0.0.1", port))
        s.sendall(text.encode())
        if answer:
            assert answer in s.recv(300), answer
        peers.append(s)

    try:
        each = 50 if run.long else 10
        for _ in range(each):
            peer(server.tunnels, f"CONNECT 127.0.0.1:{run.origin.echo} HTTP/1.1\r\nHost: x\r\n\r\n", b" 200")
            peer(server.port, f"GET /{64 << 20} HTTP/1.1\r\nHost: x\r\n\r\n")
            peer(server.port, "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n12345")
            peer(server.port, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n", b" 200")
        time.sleep(0.5)
        old = server.serving()
        server.restart()
        since = time.monotonic()
        wait_for("the end of the old workers", lambda: not [p for p in old if running(p)], budget + 10)
        took = time.monotonic() - since
        cuts = [r for r in server.log_records() if r.get("event") == "connection cut"]
        row.asked = f"{4 * each} peers: silent tunnels, zero windows, stalled uploads, idle ones; deadline {budget} s"
        row.restarts = "1"
        row.expect(took <= budget + 1, f"the old workers were there for {took:.1f} s")
        row.expect(len(cuts) == 4 * each, f"{len(cuts)} cuts in the log")
        kinds = collections.Counter(r["what"] for r in cuts)
        row.notes += [f"old workers gone after {took:.1f} s", "cut and named: " + ", ".join(f"{n} {what}" for what, n in sorted(kinds.items()))]
        settle(row, server)
        row.expect(server.ledger().get("cut", 0) >= 4 * each, "the ledger has fewer cuts")
        return row
    finally:
        for s in peers:
            s.close()
        server.stop()
