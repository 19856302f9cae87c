"""Asks clang-query for the coroutine shapes of coroutines.query in every file that awaits.

    coroutines.py CLANG_QUERY BUILD_FOLDER
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

import tree

query, build = sys.argv[1:3]
QUERY_FILE = pathlib.Path(__file__).with_name("coroutines.query")
commands = json.loads(pathlib.Path(build, "compile_commands.json").read_text(encoding="utf-8"))
sources = sorted({c["file"] for c in commands if pathlib.Path(c["file"]).is_relative_to(tree.ROOT) and "tests/compiler" not in c["file"]})
sources = [s for s in sources if re.search(r"\bco_await\b", pathlib.Path(s).read_text(encoding="utf-8"))]


def ask(source):
    done = subprocess.run([query, "-p", build, "-f", str(QUERY_FILE), source], capture_output=True, text=True, check=False)
    out = done.stdout + done.stderr
    asked = len(re.findall(r"^\d+ match(?:es)?\.$", out, re.M))
    wanted = len(re.findall(r"^m ", QUERY_FILE.read_text(encoding="utf-8"), re.M))
    if asked != wanted:
        return [f"{source}: clang-query answered {asked} of {wanted} questions\n{out[-2000:]}"]
    return re.findall(r"^(.*note: .*binds here)", out, re.M)


findings = set()
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for found in pool.map(ask, sources):
        findings.update(found)
tree.finish(sorted(findings), len(sources))
