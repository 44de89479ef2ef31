"""Takes every figure in interleaved rounds and prints medians, spreads and aims. Started by script/bench."""
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import figures  # noqa: E402
from support.server import ROOT  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))


def judged(name, value, taken):
    """The aim's column. Two aims are relative to what stands beside them in the same run."""
    median = statistics.median(taken[value])
    if name.startswith("no-op job") and value == "job":
        aim = statistics.median(taken["plain python"]) + 100
        return f"at most {aim:.0f} (plain python + 100): {'met' if median <= aim else 'missed'}"
    if name == "no-op in docker, ms" and value == "job":
        aim = statistics.median(taken["docker run"]) + 50
        return f"at most {aim:.0f} (docker run + 50): {'met' if median <= aim else 'missed'}"
    if name == "no-op on Slurm, ms" and value == "job":
        aim = statistics.median(taken["sbatch --wait"]) + 200
        return f"at most {aim:.0f} (sbatch --wait + 200): {'met' if median <= aim else 'missed'}"
    if value == "p99 ms":
        aim = statistics.median(taken["3 x 256 x cpu, ms"])
        return f"at most {aim:.1f} (3 x 256 x cpu): {'met' if median <= aim else 'missed'}"
    aim = figures.FIGURES[name][1].get(value)
    if aim is None:
        return ""
    met = median <= aim if aim > 0 else median >= -aim
    return f"at {'most' if aim > 0 else 'least'} {abs(aim)}: {'met' if met else 'missed'}"


def table(results):
    lines = ["| figure | value | median | spread | aim |", "|---|---|---|---|---|"]
    for name, taken in results.items():
        for value, numbers in taken.items():
            spread = f"{min(numbers):.1f} to {max(numbers):.1f}"
            lines.append(f"| {name} | {value} | {statistics.median(numbers):.1f} | {spread} | {judged(name, value, taken)} |")
    return "\n".join(lines)


def where():
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    load = os.getloadavg()[0]
    return (f"Commit {commit.stdout.strip()}, {os.cpu_count()} cores, Linux {platform.release()}, load {load:.1f} at the "
            f"start, {ROUNDS} interleaved rounds. Jobs and records in durability `power` unless said otherwise; CPU is the "
            "server's user and system time from /proc.")


def main(wanted):
    picked = {name: figure for name, figure in figures.FIGURES.items()
              if not wanted or any(word.lower() in name.lower() for word in wanted)}
    if not picked:
        sys.exit(f"no such figure; there are: {', '.join(figures.FIGURES)}")
    heading, results, failed = where(), {}, []
    bench = figures.Bench()
    try:
        for number in range(1, ROUNDS + 1):
            for name, (take, _) in picked.items():
                print(f"-- round {number}: {name}", flush=True)
                try:
                    for value, figure in take(bench).items():
                        results.setdefault(name, {}).setdefault(value, []).append(figure)
                except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                    failed.append(f"{name}: {error}")
                    print(f"   failed: {error}", flush=True)
    finally:
        bench.close()
    report = heading + "\n\n" + table(results) + "".join(f"\n\nFailed: {text}" for text in failed) + "\n"
    (ROOT / "build" / "bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "build" / "bench" / "report.md").write_text(report)
    print("\n" + report)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
