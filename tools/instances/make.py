#!/usr/bin/env python3
"""Writes server/jobs/instances_table.inc from training.json: {instance type: [vCPUs, memory in GiB, GPUs]}.

The types are those the SageMaker API accepts for training; the figures are those of the EC2 type of the same name.
`make.py --check` writes nothing and fails when the table is not what the data gives.
"""
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE.parents[1] / "server" / "jobs" / "instances_table.inc"
HEAD = "// Made by tools/instances/make.py; never edited. Type, vCPUs, memory in MiB, GPUs; sorted by type.\n"


def table():
    types = json.loads((HERE / "training.json").read_text())
    rows = (f'{{"{name}", {cores}, {round(gib * 1024)}, {gpus}}},\n' for name, (cores, gib, gpus) in sorted(types.items()))
    return HEAD + "".join(rows)


def main():
    if "--check" in sys.argv[1:]:
        return 0 if TABLE.read_text() == table() else f"{TABLE} is not what make.py writes"
    TABLE.write_text(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
