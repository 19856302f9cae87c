"""A lint that finds nothing may be blind: each rule is shown a small tree that breaks it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
OPENING = "// a file\n"
CASES = [  # lint, file, text, part of the finding
    ("includes.py", "base/a.h", OPENING + '#include "ipc/b.h"\n', "room base may not include"),
    ("includes.py", "supervisor/a.cc", OPENING + '#include "proto/b.h"\n', "room supervisor may not include"),
    ("includes.py", "base/a.h", OPENING + '#include "b.h"\n', "does not say its room"),
    ("includes.py", "worker/a.cc", OPENING + '#include "nowhere/b.h"\n', "is in no room"),
    ("house.py", "base/a.h", OPENING + "int x;\n" * 500, "501 lines"),
    ("house.py", "base/a.h", "int x;\n", "does not open with a comment"),
    ("house.py", "base/a.h", OPENING + "// TODO(now): x\n", "TODO(now)"),
    ("house.py", "base/a.h", OPENING + "// TODO: x\n", "TODO"),
    ("house.py", "ipc/a.cc", OPENING + "void f() { ::close(3); }\n", "close( outside base/"),
    ("house.py", "ipc/a.cc", OPENING + "int* f() { return new int; }\n", "new outside base/"),
    ("house.py", "ipc/a.cc", OPENING + "void f(int* p) { delete p; }\n", "delete outside base/"),
    ("house.py", "worker/a.cc", OPENING + "void f() { h.resume(); }\n", ".resume() outside base/"),
    ("snippets.py", "README.md", "<!-- from base/a.h [t] -->\n```cpp\nint y;\n```\n", "differs from"),
    ("snippets.py", "README.md", "```cpp\nint y;\n```\n", "only code that is compiled"),
]
FINE = OPENING + '''/// [t]
int x;
/// [t]
struct S { S(S&&) = delete; void close(); };
const char* text = "new X delete y TODO.resume() close(";  // new things
void f(S& s) { s.close(); }
'''


def run(lint, root):
    done = subprocess.run([sys.executable, HERE / lint], env={**os.environ, "SLUICE_LINT_ROOT": str(root)}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def fresh(where):
    root = pathlib.Path(where)
    (root / "deploy/cmake").mkdir(parents=True)
    shutil.copy(HERE.parents[1] / "deploy/cmake/rooms.cmake", root / "deploy/cmake/rooms.cmake")
    for path in ("base/a.h", "worker/fine.cc"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(FINE.replace("TODO", "X"), encoding="utf-8")
    (root / "README.md").write_text("<!-- from base/a.h [t] -->\n```cpp\nint x;\n```\n", encoding="utf-8")
    return root


failures = []
for lint in ("includes.py", "house.py", "snippets.py"):
    with tempfile.TemporaryDirectory() as where:
        code, out = run(lint, fresh(where))
        if code != 0:
            failures.append(f"{lint} complains about a tree without faults: {out}")
for lint, path, text, wanted in CASES:
    with tempfile.TemporaryDirectory() as where:
        root = fresh(where)
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        code, out = run(lint, root)
        if code == 0 or wanted not in out:
            failures.append(f"{lint} does not see `{wanted}` in {text[:60]!r}: {out}")
print("\n".join(failures))
sys.exit(1 if failures else 0)
