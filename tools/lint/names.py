#!/usr/bin/env python3
"""One name, one type: two definitions of one qualified name end in one program, whose linker picks either's functions unseen."""
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMESPACE = re.compile(r"\s*namespace\s*([\w:]*)\s*\{")
TYPE = re.compile(r"(?:struct|class)\s+(?:\[\[\w+\]\]\s*)?(\w+)\s*(?:final)?\s*(?::[^:].*)?\{")


def files():
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.hpp"], cwd=ROOT, text=True)
    return [name for name in listed.split("\n") if name and (ROOT / name).is_file()]


def is_test(name):
    return name.endswith(("_test.cpp", "_fuzz.cpp")) or name.startswith("tests/")


def types(text):
    """Qualified names of the types that a file defines in its namespaces, those without a name left out."""
    depth, inside = 0, []  # (depth, namespace)
    for line in text.split("\n"):
        line = re.sub(r"//.*", "", line)
        namespace, kind = NAMESPACE.match(line), TYPE.match(line)
        if namespace:
            inside.append((depth, namespace.group(1)))
        elif kind and depth == len(inside) and all(name for _, name in inside):
            yield "::".join([name for _, name in inside] + [kind.group(1)])
        depth += line.count("{") - line.count("}")
        while inside and depth <= inside[-1][0]:
            inside.pop()


def main():
    places = collections.defaultdict(set)
    for name in files():
        for kind in types((ROOT / name).read_text(encoding="utf-8")):
            places[kind].add(name)
    failed = False
    for kind, where in sorted(places.items()):
        if len(where) > 1 and not all(map(is_test, where)):
            failed = True
            print(f"{kind} is defined in {', '.join(sorted(where))}: give one of them another name")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
