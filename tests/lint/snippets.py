"""Code blocks of the manuals are cut from compiled files: a block that follows `<!-- from PATH [tag] -->` must be the lines between
the two `/// [tag]` marks of that file, or the whole file when no tag is given.
"""
import re
import textwrap

import tree

BLOCK = re.compile(r"<!-- from (\S+)(?: \[([\w-]+)\])? -->\n+```\w*\n(.*?)```", re.DOTALL)
CODE_BLOCK = re.compile(r"^```(?:cpp|c\+\+)\n", re.M)

findings = []
looked_at = 0
for path in tree.files((".",), (".md",)):
    text = tree.read(path)
    looked_at += 1
    blocks = list(BLOCK.finditer(text))
    if path.name in ("README.md", "TUTORIAL.md") and len(CODE_BLOCK.findall(text)) > len([b for b in blocks if "```cpp" in b.group()]):
        findings.append(f"{path}:1: a C++ block without `<!-- from … -->`: manuals show only code that is compiled")
    for block in blocks:
        source, tag, shown = block.groups()
        here = f"{path}:{tree.line_of(text, block.start())}"
        if not (tree.ROOT / source).exists():
            findings.append(f"{here}: {source} does not exist")
            continue
        wanted = tree.read(source)
        if tag:
            parts = re.split(rf"^[ \t]*(?:///|#|//) \[{re.escape(tag)}\]\n", wanted, flags=re.M)
            if len(parts) != 3:
                findings.append(f"{here}: {source} does not have the mark [{tag}] exactly twice")
                continue
            wanted = textwrap.dedent(parts[1])
        if shown != wanted:
            findings.append(f"{here}: differs from {source}" + (f" [{tag}]" if tag else ""))
tree.finish(findings, looked_at)
