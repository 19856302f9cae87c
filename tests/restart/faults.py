"""T14 to T16: new programs and configurations that are wrong, under load. The old generation serves, and the next good upgrade works."""
import datetime
import os
import shutil
import signal
import time

from load import Load
from servers import put, running, wait_for
from table import Row
from traffic import settle, started

TRUE, FALSE = "/bin/true", "/bin/false"


def loaded(test, kind, run, server, play):
    """Plays something while new connections come; the row with what they lost."""
    row = Row(test, kind.name)
    with Load(run.binaries, "churn", server.port, connections=512, rate=min(run.rate, 500), timeout=5000) as load:
        time.sleep(run.base)
        load.phase("during")
        play(row)
        counts = load.stop()
    row.add(counts)
    row.asked = f"{counts.sum('ok') + sum(counts.lost().values())} new connections"
    return row


def elsewhere(program, target):
    """A program for another machine: the same file with another word in its ELF header."""
    shutil.copyfile(program, target)
    with open(target, "r+b") as file:
        file.seek(18)
        file.write(b"\x08\x00")
    return target


def t14(kind, run):
    """Programs that are missing, cannot be run, crash, hang or end at once; after each of them a good one."""
    return t14_sluice(kind, run) if kind.name == "sluice" else t14_other(kind, run)


def t14_sluice(kind, run):
    server = started(kind, run)
    good, scripted = f"{run.binaries}/sluice-proxy", f"{run.binaries}/../tests/scripted_application"
    foreign = elsewhere(good, server.path("foreign"))
    cases = [("missing", None, 0o755, "", 31), ("not executable", good, 0o644, "", 32), ("other machine's", foreign, 0o755, "", 33),
             ("exits 0", TRUE, 0o755, "", 34), ("exits 1", FALSE, 0o755, "", 35), ("hangs", f"{run.binaries}/restart-hang", 0o755, "", 36),
             ("ends at start", scripted, 0o755, "ends at once", 25), ("crashes at start", scripted, 0o755, "abort at start", 14),
             ("never ready", scripted, 0o755, "never ready", 15), ("crashes after READY", scripted, 0o755, "dies when it accepts", 16)]

    def play(row):
        tenant = server.config["tenants"][0]
        for what, program, mode, script, wanted in cases:
            put(program, server.path("app"), mode)
            tenant["settings"] = {"script": script} if script else {}
            server.save()
            begin = time.monotonic()
            done = server.ctl("upgrade", "--force", "--until", "probation").returncode
            took = time.monotonic() - begin
            row.expect(done == wanted, f"{what}: exit status {done}, not {wanted}")
            row.expect(took < 4, f"{what}: an answer after {took:.1f} s")
            row.notes.append(f"{what} {done}")
            put(good, server.path("app"))
            tenant["settings"] = {}
            server.save()
            row.expect(server.restart(), f"after {what}: the next good upgrade failed")

    try:
        put(good, server.path("app"))
        server.config.update({"application": {"program": server.path("app")}, "restart_policy": {"ready_timeout": "2s"}})
        server.config["upgrade"].update({"preflight_timeout": "3s", "probation": "1s", "probation_crashes": 2})
        server.save()
        server.stop_child()
        server.start()
        row = loaded("T14", kind, run, server, play)
        row.restarts = f"{len(cases)} bad, {len(cases)} good"
        server.failed = 0
        row.unexplained = server.ledger()["unexplained"]
        return row
    finally:
        server.stop()


def t14_other(kind, run):
    server = started(kind, run)
    program = server.path(kind.name.split()[0])
    good = shutil.which(kind.name.split()[0])
    cases = [("missing", None, 0o755), ("not executable", good, 0o644), ("exits 0", TRUE, 0o755), ("exits 1", FALSE, 0o755),
             ("hangs", f"{run.binaries}/restart-hang", 0o755)]

    def play(row):
        for what, bad, mode in cases:
            put(bad, program, mode)
            server.child.send_signal(signal.SIGUSR2)
            time.sleep(1)
            put(good, program)
            if not server.alive() or not server.renew():
                row.expect(False, f"{what}: {'the next good one did not start' if server.alive() else 'the server ended'}")
                server.stop_child()
                server.start()

    try:
        row = loaded("T14", kind, run, server, play)
        row.restarts = f"{len(cases)} bad, {len(cases)} good"
        row.expect(False, "whoever asks is not told")
        return row
    finally:
        server.stop()


def t15(kind, run):
    """Broken configurations: refused with the reason, no worker is touched, and the next good one works."""
    server = started(kind, run)
    taken = server.origin.port

    def broken(text=None, **changes):
        def write():
            if text is not None:
                server.write("sluice.json", text)
                return
            saved = {**server.config}
            server.config.update(changes)
            server.save()
            server.config = saved
        return write

    def endpoint(**over):
        tenant = server.config["tenants"][0]
        first = {**tenant["endpoints"][0], **over}
        return {"tenants": [{**tenant, "endpoints": [first, *tenant["endpoints"][1:]]}]}

    def folder():
        os.unlink(server.path("sluice.json"))
        os.mkdir(server.path("sluice.json"))

    cases = [("syntax", broken("tenants: [}"), 10), ("unknown key", broken(tenantz=[]), 10), ("unreadable", folder, 24),
             ("missing file", broken(**endpoint(error_pages=[{"file": "/nowhere/404.html"}])), 24),
             ("10 MB of garbage", broken("x" * (10 << 20)), 10), ("10 MB list", broken("[" + "1," * (5 << 20) + "1]"), 10),
             ("port in use", broken(**endpoint(listen=[f"127.0.0.1:{taken}"])), 13)]

    def play(row):
        for what, write, wanted in cases:
            before = wait_for("two workers alone", lambda: len(server.serving()) == 2 and server.serving())
            write()
            begin = time.monotonic()
            done = server.ctl("upgrade", "--force", "--until", "probation")
            took = time.monotonic() - begin
            row.expect(done.returncode == wanted, f"{what}: exit status {done.returncode}, not {wanted}: {done.stdout[-200:]!r}")
            row.expect(took < 5, f"{what}: an answer after {took:.1f} s")
            row.expect(server.serving() == before, f"{what}: the workers changed")
            row.notes.append(f"{what} {done.returncode}")
            if os.path.isdir(server.path("sluice.json")):
                os.rmdir(server.path("sluice.json"))
            server.save()
            row.expect(server.restart(), f"after {what}: the next good upgrade failed")

    try:
        row = loaded("T15", kind, run, server, play)
        row.restarts = f"{len(cases)} bad, {len(cases)} good"
        settle(row, server)
        return row
    finally:
        server.stop()


def t16(kind, run):
    """The new workers die in their probation: the old ones accept again within 200 ms, and only what was in the dead ones is lost."""
    server = started(kind, run, upgrade={"probation": "20s", "probation_crashes": 1})
    took = []

    def play(row):
        for _ in range(20 if run.long else 5):
            before = set(server.serving())
            server.restart(wait=False)
            new = wait_for("new workers", lambda: [p for p in server.serving() if p not in before])
            time.sleep(1 if run.long else 0.3)
            had = len(server.log_records())
            killed = time.time()
            os.kill(new[0], signal.SIGKILL)
            again = wait_for("the flip back", lambda: [r for r in server.log_records()[had:] if r.get("event") == "generation serves again"])
            took.append((seconds_of(again[0]["time"]) - killed) * 1000)
            wait_for("the end of the new ones", lambda: not [p for p in new if running(p)])

    try:
        row = loaded("T16", kind, run, server, play)
        row.restarts = f"{len(took)}, each flipped back after at most {max(took):.0f} ms"
        row.expect(max(took) <= 200, f"flipped back after {max(took):.0f} ms")
        records = [u for u in server.upgrades() if u["outcome"] == "rolled_back"]
        row.expect(len(records) == len(took), f"{len(records)} of {len(took)} upgrades say rolled_back")
        sums = server.ledger()
        row.unexplained = sums["unexplained"]
        # what the killed workers held is lost: not more, and nobody was refused
        lost = sum(number for what, number in row.lost.items() if what in ("reset_fresh", "partial"))
        lines = [r for r in server.log_records() if r.get("event") == "worker ended"]
        held = sum(r.get("connections_lost", 0) for r in lines)
        row.notes.append(f"{lost} connections lost, {held} were in the killed workers")
        row.expect(lost <= held + len(took), "more is lost than was in the killed workers")
        for what in ("reset_fresh", "partial"):
            row.lost.pop(what, None)
        return row
    finally:
        server.stop()


def seconds_of(text):
    """Seconds since 1970 of a time in the log: 2026-01-31T10:00:00.123456Z."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
