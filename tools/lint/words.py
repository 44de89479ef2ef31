#!/usr/bin/env python3
"""Words that mean something on one machine only must not be in the tree: it has to make sense to a stranger."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Written so that this file does not find itself.
FORBIDDEN = [
    (r"/wor[k]/", "a path of one machine"),
    (r"\bshare[d]/(design|facts|seed|bench|hooks|prototypes)", "a folder outside the repository"),
    (r"\.librar[y]/|\.mirro[r]/", "a folder outside the repository"),
    (r"\b[h]elper [A-H]\b", "who wrote it"),
    (r"\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b", "unfinished work: finish it, or file an issue"),
    (r"/roo[t]/\.pyenv|/opt/whee[l]s", "a path of one machine"),
]
BINARY = (".gz", ".png", ".jpg", ".joblib", ".whl", ".pem", ".db")


def main():
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    wrong = []
    for name in listed.split("\n"):
        path = ROOT / name
        if not name or not path.is_file() or path.suffix in BINARY or path.stat().st_size > 4_000_000:
            continue
        text = path.read_text(errors="replace")
        for pattern, why in FORBIDDEN:
            for found in re.finditer(pattern, text):
                line = text.count("\n", 0, found.start()) + 1
                wrong.append(f"{name}:{line}: {found.group(0)!r}: {why}")
    if wrong:
        print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
