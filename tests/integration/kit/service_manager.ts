// A service manager for tests, as far as Sluice needs one: notifications, a descriptor store, a new start after a
// death. Node cannot receive descriptors, so it is a Python program, written into the test's folder.
//
// It starts the command in its arguments, writes each notification to standard error as a JSON line, passes SIGTERM,
// SIGINT and SIGHUP on, and ends as the command ends when that was no signal. SIGUSR1 is `systemctl restart`: SIGTERM to the
// command, and a new start when it has ended. `kills`: with a dead main process it ends all that this leaves, as KillMode=mixed does; `keeps`: it does not.
export type ManagerMode = 'kills' | 'keeps';

export const managerScript = String.raw`
import array, ctypes, json, os, select, signal, socket, sys, time
mode, path, command = sys.argv[1], sys.argv[2], sys.argv[3:]
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: whoever is left behind is ours to see
inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
inbox.bind(path)
store = []  # [name, fd]
ended = None
stopping = False
restarting = False

def say(**what):
    sys.stderr.write(json.dumps(dict(time="", level="info", event="manager", **what)) + "\n")
    sys.stderr.flush()

def start():
    pid = os.fork()
    if pid: return pid
    high = [os.dup2(fd, 200 + i, inheritable=False) for i, (_, fd) in enumerate(store)]
    for i, fd in enumerate(high): os.dup2(fd, 3 + i)
    env = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="3000000", WATCHDOG_PID=str(os.getpid()))
    if store: env.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(store)), LISTEN_FDNAMES=":".join(n for n, _ in store))
    for number in range(1, 32):
        if number not in (signal.SIGKILL, signal.SIGSTOP): signal.signal(number, signal.SIG_DFL)
    os.execve(command[0], command, env)

def same(a, b):
    x, y = os.fstat(a), os.fstat(b)
    return (x.st_dev, x.st_ino) == (y.st_dev, y.st_ino)

def hear():
    data, control, _, _ = inbox.recvmsg(65536, socket.CMSG_SPACE(253 * 4), socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
    fds = array.array("i")
    for level, kind, bytes_ in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS: fds.frombytes(bytes_[:len(bytes_) // 4 * 4])
    fields = dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line)
    if "FDSTORE" in fields:
        for fd in fds:
            if any(same(fd, kept) for _, kept in store): os.close(fd)
            else: store.append([fields.get("FDNAME", "stored"), fd])
    elif "FDSTOREREMOVE" in fields:
        for entry in [e for e in store if e[0] == fields["FDNAME"]]:
            os.close(entry[1]); store.remove(entry)
    say(notification=data.decode(), stored=len(store))

def hear_all():
    while True:
        try: hear()
        except BlockingIOError: return

def forward(number, frame):
    global stopping, restarting
    restarting = number == signal.SIGUSR1
    stopping = number not in (signal.SIGHUP, signal.SIGUSR1)
    try: os.kill(main, signal.SIGTERM if restarting else number)
    except ProcessLookupError: pass

def children():
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit(): continue
        try: stat = open("/proc/%s/stat" % name).read()
        except OSError: continue
        if int(stat[stat.rindex(")") + 2:].split()[1]) == os.getpid(): found.append(int(name))
    return found

main = start()
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1): signal.signal(number, forward)
while True:
    try: select.select([inbox], [], [], 0.02)
    except InterruptedError: pass
    hear_all()
    while True:
        try: pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError: break
        if pid == 0: break
        if pid != main: continue
        hear_all()  # what it said before it died
        if (not os.WIFSIGNALED(status) and not restarting) or stopping:
            say(main="ended", status=status)
            os._exit(os.waitstatus_to_exitcode(status) & 255)
        if mode == "kills":
            for child in children():
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        say(main="ended" if restarting else "died", status=status)
        restarting = False
        time.sleep(0.3)
        if stopping: os._exit(0)
        main = start()
`;
