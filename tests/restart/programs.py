"""T21: the supervisor's own program changes in place, good ones and bad ones, under load."""
import os
import shutil
import time

from faults import FALSE, TRUE, elsewhere
from load import Load
from managed import Managed
from servers import put, wait_for
from table import Row
from traffic import settle


def t21(kind, run):
    """Same process, nothing lost; what is no supervisor is found out before, and the next good one works."""
    row = Row("T21", kind.name)
    server = Managed(run.origin, run.binaries)
    good, scripted = f"{run.binaries}/sluice", f"{run.binaries}/scripted-sluice"
    program = server.path("bin/sluice")

    def acts(script):
        def make():
            server.write("bin/sluice.script", script)
            put(scripted, program)
        return make

    cases = [("missing", lambda: put(None, program), 41), ("not executable", lambda: put(good, program, 0o644), 42),
             ("another machine's", lambda: put(elsewhere(good, server.path("foreign")), program), 43),
             ("exits 0", lambda: put(TRUE, program), 44), ("exits 1", lambda: put(FALSE, program), 45), ("crashes", acts("crash"), 45),
             ("hangs", acts("hang"), 46), ("nonsense", acts("garbage"), 21), ("another state", acts("old-state"), 22),
             ("gives the state back", acts("gives-back"), 22)]
    try:
        server.configure(2)
        server.config["upgrade"]["preflight_timeout"] = "3s"
        server.save()
        server.start()
        main = server.main
        with Load(run.binaries, "churn", server.port, connections=512, rate=min(run.rate, 500), timeout=5000) as load, \
             Load(run.binaries, "keep", server.port, connections=100, think=200, timeout=5000) as kept, \
             Load(run.binaries, "connect", server.tunnels, target=run.origin.echo, connections=50, every=100) as tunnels:
            time.sleep(run.base)
            for one in (load, kept, tunnels):
                one.phase("during")
            count = 50 if run.long else 5
            for _ in range(count):
                server.replace_program()
                row.expect(server.restart(), "a good program was refused")
                row.expect(os.readlink(f"/proc/{main}/exe") == program, "another program runs")
            for what, make, wanted in cases:
                before = wait_for("two workers alone", lambda: len(server.serving()) == 2 and server.serving())
                make()
                done = server.ctl("upgrade", "--until", "probation").returncode
                row.expect(done == wanted, f"{what}: exit status {done}, not {wanted}")
                if what != "gives the state back":
                    row.expect(server.serving() == before, f"{what}: the workers changed")
                row.notes.append(f"{what} {done}")
                server.replace_program()
                row.expect(server.restart(), f"after {what}: the next good one was refused")
            all_counts = [one.stop() for one in (load, kept, tunnels)]
        for counts in all_counts:
            row.add(counts)
        row.p99 = (all_counts[0].p99("before"), all_counts[0].p99("during"))
        row.asked = f"{all_counts[0].sum('ok')} new connections, {all_counts[1].sum('ok')} POSTs, {all_counts[2].sum('messages')} messages through 50 tunnels"
        row.restarts = f"{count + len(cases)} good, {len(cases)} bad"
        row.expect(server.main == main and server.alive(), "the process is another one")
        settle(row, server)
        return row
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
