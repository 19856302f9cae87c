"""Which files the lints look at, and how a finding is printed: file:line: sentence."""
import os
import pathlib
import re
import sys

# the self-test looks at a tree of its own, full of faults
ROOT = pathlib.Path(os.environ.get("SLUICE_LINT_ROOT", pathlib.Path(__file__).resolve().parents[2]))
ROOMS = ("base", "ipc", "proto", "restart", "supervisor", "worker", "app")
SKIP = {"build", "node_modules", "dist", ".git", "corpus"}


def files(folders, suffixes):
    """Paths below the folders with one of the suffixes, relative to the root, in order."""
    for folder in folders:
        for where, folders_below, names in os.walk(ROOT / folder):
            folders_below[:] = sorted(f for f in folders_below if f not in SKIP)
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield pathlib.Path(where, name).relative_to(ROOT)


def code(folders=(*ROOMS, "tests")):
    return files(folders, (".h", ".cc"))


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


STRINGS_AND_COMMENTS = re.compile(
    r'R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|'
    r"(?<![0-9a-fA-FxX])'(?:\\.|[^'\\\n])+'|//[^\n]*|/\*.*?\*/", re.DOTALL)


def blanked(text):
    """The text with strings and comments blanked out, lines kept."""
    return STRINGS_AND_COMMENTS.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def finish(findings, looked_at):
    """Prints the findings and ends the lint. One that looked at nothing has not passed."""
    for finding in findings:
        print(finding)
    if not looked_at:
        print("looked at no file at all")
    sys.exit(1 if findings or not looked_at else 0)
