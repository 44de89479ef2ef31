#!/usr/bin/env python3
"""Holds #include lines against the two tables of docs/design/rooms.md."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "design" / "rooms.md"
SOURCES = ("base", "client", "runner", "server", "tests", "tools")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
EVERYBODY = ("base",)


def cells(line):
    return [re.findall(r"`([^`]+)`", cell) for cell in line.strip().strip("|").split("|")]


def tables():
    """({room: allowed rooms}, {library header: rooms}) as the page has them."""
    arrows, libraries, current = {}, {}, None
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            current = {"## Arrows": arrows, "## Outside libraries": libraries}.get(line.strip())
        elif current is not None and line.startswith("| `"):
            row = cells(line)
            current[row[0][0]] = row[1]
    return arrows, libraries


def inside(path, room):
    return path == room or path.startswith(room + "/") or path.startswith(room + ".") or path.startswith(room + "_")


def room_of(path, rooms):
    return max((room for room in rooms if inside(path, room)), key=len, default=None)


def same_service(path, target):
    """Two service folders may not see one another; the files of server/services itself are seen by all."""
    here, there = path.split("/"), target.split("/")
    if there[:2] != ["server", "services"] or len(there) < 4:
        return True
    return len(here) < 4 or here[2] == there[2]


def allowed(path, room, target, arrows):
    may = arrows[room]
    if "*" in may or target.split("/")[0] in EVERYBODY:
        return True
    theirs = room_of(target, arrows)
    if theirs == room:
        return same_service(path, target)
    return any(target == name or theirs == name for name in may)


def check_file(path, arrows, libraries):
    relative = path.relative_to(ROOT).as_posix()
    room = room_of(relative, arrows)
    if room is None:
        yield f"{relative}: no room of docs/design/rooms.md holds this file"
        return
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target = found.group(2)
        if target.split("/")[0] in SOURCES and (ROOT / target.split("/")[0]).is_dir():
            if not allowed(relative, room, target, arrows):
                yield f"{relative}:{number}: {room} may not include {target}"
            continue
        for header, rooms in libraries.items():
            if target.startswith(header) and "*" not in arrows[room]:
                if not any(inside(relative, name) for name in rooms):
                    yield f"{relative}:{number}: only {', '.join(rooms)} may include {target}"


def main():
    arrows, libraries = tables()
    wrong = []
    for top in SOURCES:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".c", ".h"):
                wrong += check_file(path, arrows, libraries)
    print("\n".join(wrong)) if wrong else None
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
