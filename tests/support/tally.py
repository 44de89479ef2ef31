"""Counts of a suite, read from the JUnit files that gtest and pytest write."""
import dataclasses
import pathlib
import xml.etree.ElementTree as xml


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list = dataclasses.field(default_factory=list)

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @classmethod
    def one(cls, good, note=""):
        return cls(passed=int(good), failed=int(not good), notes=[] if good or not note else [note])

    @classmethod
    def skip(cls, why):
        return cls(skipped=1, notes=[f"skipped: {why}"])

    @classmethod
    def read(cls, path, exit_code=0):
        """What a JUnit file says. No file, a broken one, or a bad exit without a failure in it is one failure."""
        path = pathlib.Path(path)
        try:
            cases = list(xml.parse(path).iter("testcase"))
        except (OSError, xml.ParseError) as error:
            return cls(failed=1, notes=[f"{path.stem}: no report ({error}), exit code {exit_code}"])
        tally = cls()
        for case in cases:
            tally += cls._case(path.stem, case)
        if exit_code not in (0, 5) and not tally.failed:  # 5: pytest found no tests
            tally += cls(failed=1, notes=[f"{path.stem}: exit code {exit_code} though no test failed"])
        return tally

    @classmethod
    def _case(cls, where, case):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".strip(".")
        if case.find("failure") is not None or case.find("error") is not None:
            return cls(failed=1, notes=[f"{where}: {name}"])
        if "DISABLED_" in name:  # a program that another test runs and kills, not a test
            return cls()
        skipped = case.find("skipped")
        if skipped is not None or case.get("status") == "notrun":
            why = (skipped.get("message") or "").strip() if skipped is not None else "not run"
            return cls(skipped=1, notes=[f"skipped: {name}: {why.splitlines()[0] if why else 'no reason given'}"])
        return cls(passed=1)
