"""Rules of the house that are a matter of text (docs/DESIGN.md, docs/coroutines.md).

Sizes, opening comments, who may resume a coroutine, close a descriptor or manage memory by hand, and notes that must not be left behind.
"""
import re

import tree

MAX_LINES = 500
OUTSIDE_BASE = [
    (re.compile(r"(?<![\w.>])(?:::)?close\s*\("), "close( outside base/: a descriptor belongs to an Fd"),
    (re.compile(r"(?<!operator )\bnew\b(?!\s*\()\s+[\w:]"), "new outside base/: use make_unique, a container or a value"),
    (re.compile(r"(?<!= )(?<!operator )\bdelete\b(?:\[\])?\s+[\w*(]"), "delete outside base/: give the handle a deleter type in base/ or an owner"),
    (re.compile(r"\.resume\s*\(\s*\)"), ".resume() outside base/: only the loop and Task resume coroutines"),
]
# the one way to own an object whose constructor is private
OWNED_AT_ONCE = re.compile(r"unique_ptr<[^;]*\(\s*$")
# a class may have a member function close(); declaring, defining or calling it by an object is fine
DECLARES_CLOSE = re.compile(r"(?:void|Task<[^>]*>|Result<[^>]*>)\s+(?:\w+::)*close\s*\($")
TODO = re.compile(r"TODO(?:\((\w*)\))?")
TODO_KINDS = {"perf", "port", "spec", "test"}

findings = []
looked_at = 0
for path in tree.code():
    looked_at += 1
    text = tree.read(path)
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines > MAX_LINES:
        findings.append(f"{path}:{MAX_LINES}: {lines} lines; a file of one idea has 100-300 and never more than {MAX_LINES}")
    # a unit test's file name says what it is for
    if not text.startswith(("//", "/*")) and path.parts[:2] != ("tests", "unit"):
        findings.append(f"{path}:1: does not open with a comment that says what it is for")
    if not text.endswith("\n"):
        findings.append(f"{path}:{lines}: no newline at the end")
    for match in TODO.finditer(text):
        if match.group(1) not in TODO_KINDS:
            findings.append(f"{path}:{tree.line_of(text, match.start())}: {match.group()}: a note has a kind that may wait: {', '.join(sorted(TODO_KINDS))}")
    if path.parts[0] in ("base", "tests"):
        continue
    bare = tree.blanked(text)
    for pattern, sentence in OUTSIDE_BASE:
        for match in pattern.finditer(bare):
            if "close" in match.group() and DECLARES_CLOSE.search(bare[:match.end()].rsplit("\n", 1)[-1].strip()):
                continue
            if match.group().startswith("new") and OWNED_AT_ONCE.search(bare[:match.start()].rsplit("\n", 1)[-1]):
                continue
            findings.append(f"{path}:{tree.line_of(text, match.start())}: {sentence}")
tree.finish(findings, looked_at)
