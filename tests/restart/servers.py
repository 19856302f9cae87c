"""Sluice, nginx and HAProxy as the scenarios need them: started in a folder of their own, in front of one origin.

A server says how it is configured, restarted and stopped, and which processes serve. nginx and HAProxy are taken as their
distribution packages them; they restart the way their manuals say: SIGHUP for nginx, SIGUSR2 for HAProxy with a master.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    """Process ids of the children of a process."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def descendants(pid):
    below = children(pid)
    return below + [one for child in below for one in descendants(child)]


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(what, condition, seconds=10):
    """The first true value of the condition; fails with the words of `what`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"no {what} within {seconds} s")
        time.sleep(0.01)


def put(source, target, mode=0o755):
    """Puts a program where another one lies, as a package manager does: by renaming. None: takes it away."""
    if source is None:
        os.unlink(target)
        return
    shutil.copyfile(source, target + ".new")
    os.chmod(target + ".new", mode)
    os.rename(target + ".new", target)


class Daemon:
    """A process that is not our child, with what is needed of Popen."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        return None if running(self.pid) else 0

    def send_signal(self, number):
        os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds=10):
        try:
            wait_for("end", lambda: not running(self.pid), seconds)
        except RuntimeError as late:
            raise subprocess.TimeoutExpired("", seconds) from late


class Server:
    name = ""

    def __init__(self, origin, binaries):
        self.origin, self.binaries, self.port, self.child = origin, binaries, free_port(), None
        self.folder = tempfile.mkdtemp(prefix="sluice-restart-")
        os.chmod(self.folder, 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def begin(self, arguments, environment=None):
        """Starts the server and waits until it answers."""
        with open(self.path("log"), "wb") as log:
            self.child = subprocess.Popen(arguments, stdout=log, stderr=log, env=environment)
        wait_for(f"{self.name} on port {self.port}", self.answers)

    def answers(self):
        if self.child.poll() is not None:
            with open(self.path("log"), encoding="utf-8", errors="replace") as log:
                raise RuntimeError(f"{self.name} ended: {log.read()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def alive(self):
        return self.child.poll() is None

    def stop_child(self):
        """Ends the server, and whatever of it did not end with it."""
        if self.child is None:
            return
        ours = descendants(self.child.pid)
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        for pid in ours:
            if running(pid):
                os.kill(pid, signal.SIGKILL)

    def stop(self):
        self.stop_child()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sluice(Server):
    name = "sluice"
    version = "this tree"

    def __init__(self, origin, binaries):
        super().__init__(origin, binaries)
        self.tunnels = free_port()
        self.asked = self.failed = 0
        self.config = {}

    @staticmethod
    def here(binaries):
        return os.path.exists(os.path.join(binaries, "sluice"))

    def configure(self, workers, upgrade=None, **more):
        """Writes the configuration; `upgrade` and further sections replace what is usual here."""
        web = {"name": "web", "mode": "reverse", "listen": [f"127.0.0.1:{self.port}"], "backlog": 4096, "routes": [{"upstream": "origin"}]}
        proxy = {"name": "proxy", "mode": "forward", "listen": [f"127.0.0.1:{self.tunnels}"], "connect": {"ports": []}}
        tenant = {"name": "main", "workers": workers, "access_log": {"enabled": False}, "endpoints": [web, proxy],
                  "egress": {"allow_private": True}, "upstreams": [{"name": "origin", "servers": [f"127.0.0.1:{self.origin.port}"]}]}
        self.config = {"control": {"path": self.path("control.sock")}, "admin": {"enabled": False}, "log": {"format": "json"},
                       "shutdown": {"drain": "2s"},
                       "upgrade": {"probation": "100ms", "draining": 100, "keep": 1000, "drain": {"idle": "20s"}, **(upgrade or {})},
                       "tenants": [tenant], **more}
        self.save()

    def save(self):
        self.write("sluice.json.new", json.dumps(self.config))
        os.rename(self.path("sluice.json.new"), self.path("sluice.json"))

    def start(self):
        self.begin([f"{self.binaries}/sluice", "-c", self.path("sluice.json")])

    def ctl(self, *arguments, timeout=60):
        return subprocess.run([f"{self.binaries}/sluicectl", "--socket", self.path("control.sock"), *arguments], capture_output=True,
                              text=True, check=False, timeout=timeout)

    def ask(self, *arguments):
        return json.loads(self.ctl("--json", *arguments).stdout)

    def restart(self, workers=None, wait=True):
        """Upgrades, whether or not anything has changed; true when the new generation serves."""
        if workers is not None:
            self.config["tenants"][0]["workers"] = workers
            self.save()
        self.asked += 1
        done = self.ctl("upgrade", "--force", "--until", "probation" if wait else "commit").returncode == 0
        self.failed += not done
        return done

    def serving(self):
        return [w["pid"] for w in self.ask("workers")["workers"] if w["tenant"] == "main" and w["pid"]]

    def log_records(self):
        records = []
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("{") and line.endswith("}\n"):
                    records.append(json.loads(line))
        return records

    def upgrades(self):
        return self.ask("upgrades")["upgrades"]

    def ledger(self, seconds=8):
        """Sums of the ledgers when all old generations are gone, or after so many seconds: what was open and became what."""
        end = time.monotonic() + seconds
        over = ("ended", "failed")
        while any(u["phase"] not in over for u in self.upgrades()) and time.monotonic() < end:
            time.sleep(0.1)
        sums = {"unexplained": 0, "draining": 0}
        for upgrade in self.upgrades():
            if upgrade["phase"] not in over:
                sums["draining"] += 1
                continue
            for row in (upgrade.get("ledger") or {}).values():
                for column, number in row.items():
                    sums[column] = sums.get(column, 0) + abs(number)
        return sums


class BySignal(Server):
    """A master that a signal tells to start new workers."""
    how = signal.SIGHUP

    def restart(self, workers=None, wait=True):
        if workers is not None:
            self.configure(workers)
        before = set(self.serving())
        self.child.send_signal(self.how)
        if not wait:
            return True
        try:
            wait_for("new workers", lambda: set(self.serving()) - before, 5)
        except RuntimeError:
            return False
        return True

    def serving(self):
        return children(self.child.pid)


class Nginx(BySignal):
    name = "nginx"
    reuseport = ""

    @staticmethod
    def here(_binaries):
        return shutil.which("nginx") is not None

    def configure(self, workers, more=""):
        self.write("nginx.conf", f"""
user {"root" if os.getuid() == 0 else "nobody"};
worker_processes {workers}; pid {self.path("pid")}; error_log {self.path("error")} notice;
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_temp_path {self.path("b")}; proxy_temp_path {self.path("p")}; client_max_body_size 0;
  fastcgi_temp_path {self.path("f")}; uwsgi_temp_path {self.path("u")}; scgi_temp_path {self.path("s")};
  upstream origin {{ server 127.0.0.1:{self.origin.port}; keepalive 64; }}
  map $http_upgrade $upgraded {{ default upgrade; "" ""; }}
  server {{ listen 127.0.0.1:{self.port} {self.reuseport} backlog=4096;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $upgraded; }} }}
  {more}
}}""")

    def start(self):
        # as a daemon: in the foreground it ignores the signal for a new program
        program = self.path("nginx")
        put(shutil.which("nginx"), program)
        subprocess.run([program, "-c", self.path("nginx.conf")], check=True)
        self.child = Daemon(wait_for("nginx's process id", self.master))
        wait_for("nginx", lambda: children(self.child.pid) and self.answers())

    def master(self):
        try:
            with open(self.path("pid"), encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return 0

    def renew(self):
        """Whether the program that lies there now takes over; then it gives way again, so that we keep our child."""
        self.child.send_signal(signal.SIGUSR2)
        try:
            new = wait_for("a new master", lambda: self.master() not in (0, self.child.pid) and running(self.master()) and self.master(), 3)
            wait_for("its workers", lambda: children(new), 3)
        except RuntimeError:
            return False
        os.kill(new, signal.SIGQUIT)
        wait_for("the end of the new master", lambda: not running(new))
        wait_for("the old master's file", lambda: self.master() == self.child.pid)
        return True


class NginxReuseport(Nginx):
    name = "nginx reuseport"
    reuseport = "reuseport"


class Haproxy(BySignal):
    name = "haproxy"
    how = signal.SIGUSR2

    @staticmethod
    def here(_binaries):
        return shutil.which("haproxy") is not None

    def configure(self, workers, more=""):
        self.write("haproxy.cfg", f"""
global
  nbthread {workers}
  maxconn 8000
  stats socket {self.path("stats")} level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
frontend web
  bind 127.0.0.1:{self.port} backlog 4096
  default_backend origin
backend origin
  http-reuse always
  server a 127.0.0.1:{self.origin.port}
{more}
""")

    def start(self):
        program = self.path("haproxy")
        put(shutil.which("haproxy"), program)
        self.begin([program, "-W", "-f", self.path("haproxy.cfg")])

    def renew(self):
        """Whether the program that lies there now takes over."""
        return self.restart()


KINDS = {kind.name.replace(" ", "-"): kind for kind in (Sluice, Nginx, NginxReuseport, Haproxy)}


def versions():
    """The versions of the servers beside us, as they call themselves."""
    found = []
    if Nginx.here(""):
        text = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr
        found.append("nginx " + re.sub(r".*/", "", text.strip()))
    if Haproxy.here(""):
        text = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=False).stdout
        found.append("HAProxy " + text.split()[2])
    return found
