#!/usr/bin/env python3
"""Alarms: a file of more than 600 lines, a C++ or Python function of more than 60."""
import ast
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_ALARM = 600
FUNCTION_ALARM = 60
GENERATED = ("server/model/data/", "tests/golden/data/", "fixtures/")
CODE = (".cpp", ".hpp", ".c", ".h", ".py", ".sh")
NOT_FUNCTIONS = re.compile(r"^\s*(if|for|while|switch|do|else|try|catch|namespace|class|struct|enum|union|extern)\b")


def files():
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in listed.split("\n"):
        path = ROOT / name
        if name and path.is_file() and path.suffix in CODE and not name.startswith(GENERATED):
            yield name, path


def indent_of(line):
    return len(line) - len(line.lstrip(" "))


def opening(lines, index):
    """The first line of the statement whose `{` ends line `index`, by indentation as clang-format lays it out."""
    level = min(indent_of(lines[index]), indent_of(lines[index]))
    first = index
    while first > 0 and indent_of(lines[first]) > level - 1 and lines[first - 1].rstrip().endswith((",", "(", "&&", "||")):
        first -= 1
    return first


def cpp_functions(lines):
    """(name line, length) of each function body that starts at an indentation of 0 or 2."""
    index = 0
    while index < len(lines):
        line = lines[index]
        first = opening(lines, index)
        start = lines[first]
        is_body = (line.rstrip().endswith("{") and "(" in "".join(lines[first:index + 1])
                   and not line.rstrip().endswith(("= {", "({", "){ {")) and indent_of(start) in (0, 2)
                   and not NOT_FUNCTIONS.match(start) and not start.lstrip().startswith(("}", "#", "//")))
        if is_body:
            closing = " " * indent_of(start) + "}"
            end = next((i for i in range(index + 1, len(lines)) if lines[i].startswith(closing)), None)
            if end is not None:
                yield first + 1, end - first + 1
                index = end
        index += 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def check(name, path):
    text = path.read_text(errors="replace")
    lines = text.split("\n")
    if len(lines) > FILE_ALARM:
        yield f"{name}: {len(lines)} lines, the alarm is at {FILE_ALARM}"
    functions = python_functions(text) if path.suffix == ".py" else cpp_functions(lines)
    for line, length in functions if path.suffix != ".sh" else ():
        if length > FUNCTION_ALARM:
            yield f"{name}:{line}: a function of {length} lines, the alarm is at {FUNCTION_ALARM}"


def main():
    wrong = [text for name, path in files() for text in check(name, path)]
    if wrong:
        print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
