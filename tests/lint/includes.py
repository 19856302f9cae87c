"""Holds every #include "…" to the table of rooms in deploy/cmake/rooms.cmake.

Link edges do not stop an #include: a header of a forbidden room compiles as long as nothing of it is called.
"""
import re

import tree

ALLOWED = {}
for room, uses in re.findall(r'^set\(SLUICE_ALLOWED_(\w+) "([^"]*)"\)', tree.read("deploy/cmake/rooms.cmake"), re.M):
    ALLOWED[room] = set(filter(None, uses.split(";"))) | {room}
assert {"base", "ipc", "proto", "hooks", "restart", "supervisor", "worker", "app"} <= ALLOWED.keys(), "the table has moved"

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(sluice/[^>]+)>)', re.M)


def room_of(path, declared):
    """The room of a file: its first folder; the public face of app/ is the room `hooks`."""
    parts = path.split("/")
    if parts[0] == "sluice":
        parts.insert(0, "app")
    if parts[0] == "app":
        return declared.get("/".join(parts[:-1]), "app")
    return parts[0]


def declared_rooms():
    """Folders of app/ that build a library with an explicit ROOM."""
    rooms = {}
    for path in tree.files(("app",), ("CMakeLists.txt",)):
        found = re.search(r"sluice_library\([^)]*\bROOM\s+(\w+)", tree.read(path))
        if found:
            rooms[path.parent.as_posix()] = found.group(1)
    return rooms


declared = declared_rooms()
findings = []
looked_at = 0
for path in tree.code(tree.ROOMS):
    looked_at += 1
    text = tree.read(path)
    room = room_of(path.as_posix(), declared)
    for match in INCLUDE.finditer(text):
        target = match.group(1) or match.group(2)
        here = f"{path}:{tree.line_of(text, match.start())}"
        if match.group(1) and "/" not in target:
            findings.append(f'{here}: #include "{target}" does not say its room; write the path from the root')
            continue
        other = room_of(target, declared)
        if other not in ALLOWED:
            findings.append(f'{here}: "{target}" is in no room')
        elif other not in ALLOWED[room]:
            findings.append(f'{here}: room {room} may not include "{target}" (room {other}): deploy/cmake/rooms.cmake')
tree.finish(findings, looked_at)
