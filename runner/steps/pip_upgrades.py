"""Keeps `pip install -r FILE -U` from fetching the SageMaker SDK again where the job's interpreter has one that will do.

The SDK makes every @remote job run that command, with a line for itself in FILE: a range of versions. A line for the SDK
whose versions the interpreter already meets is left out; every other line, and a line it does not meet, is pip's affair.
See docs/decisions/0013-remote-jobs-keep-their-sdk.md.
"""
import importlib.metadata
import os
import sys
import tempfile

UPGRADE = ("-U", "--upgrade")


def met(line):
    """The installed version, when `line` asks for the SDK by a range of versions that has it; else None."""
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
    try:
        wanted = Requirement(line.split(" #")[0].strip())
        if wanted.name.lower() != "sagemaker" or wanted.url or wanted.extras or wanted.marker or not wanted.specifier:
            return None
        have = importlib.metadata.version("sagemaker")
        return have if wanted.specifier.contains(have) else None
    except (InvalidRequirement, importlib.metadata.PackageNotFoundError):
        return None


def without_met_lines(file):
    """Text of the requirements `file` and what was left out of it."""
    with open(file, encoding="utf-8") as source:
        lines = source.readlines()
    versions = [met(line) if line.lstrip().lower().startswith("sagemaker") else None for line in lines]
    kept = [line for line, version in zip(lines, versions) if version is None]
    return "".join(kept), [(line.strip(), version) for line, version in zip(lines, versions) if version]


def shorten(file):
    """A requirements file for pip to read instead; beside the first, for its relative paths."""
    text, left_out = without_met_lines(file)
    if not left_out:
        return file
    for line, version in left_out:
        print(f"[sagelet] sagemaker {version} is installed and meets {line}: kept as it is", flush=True)
    handle, shorter = tempfile.mkstemp(".txt", ".without-sagemaker-", os.path.dirname(os.path.abspath(file)))
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text or "# nothing else\n")
    return shorter


def main(arguments):
    if not any(option in arguments for option in UPGRADE):
        return
    for i, option in enumerate(arguments[:-1]):
        if option in ("-r", "--requirement"):
            try:
                arguments[i + 1] = shorten(arguments[i + 1])
            except (OSError, UnicodeError, ImportError):
                pass  # pip says what is wrong with it


main(sys.argv)
