"""What goes through both programs. A case is a dictionary; every key but hps has a default (see test_script_mode.py)."""
import json
import os
import pathlib

DUMP = """
import json, os, sys
with open(os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "dump.json"), "w") as out:
    json.dump({"argv": sys.argv[1:], "environment": dict(os.environ), "cwd": os.getcwd()}, out)
"""
SHELL_DUMP = '#!/bin/sh\nfor word in "$@"; do printf "[%s]" "$word"; done > ../dump.txt\n'


def hps(**values):
    """As the SDK sends them: each value as JSON text."""
    return {name: json.dumps(value) for name, value in values.items()}


def raw(**values):
    """As the generic Estimator sends them: text as it is."""
    return values


def script(body, **more):
    return {"files": {"train.py": body}, **more}


def fails(body, **more):
    return script(body, **more)


TWO_HOSTS = {
    "current_host": "algo-2",
    "current_instance_type": "ml.c5.xlarge",
    "current_group_name": "homogeneousCluster",
    "hosts": ["algo-1", "algo-2"],
    "network_interface_name": "eth0",
    "instance_groups": [
        {"instance_group_name": "homogeneousCluster", "instance_type": "ml.c5.xlarge", "hosts": ["algo-1", "algo-2"]}
    ],
}
TWO_GROUPS = {
    **TWO_HOSTS,
    "current_group_name": "workers",
    "instance_groups": [
        {"instance_group_name": "chiefs", "instance_type": "ml.c5.xlarge", "hosts": ["algo-1"]},
        {"instance_group_name": "workers", "instance_type": "ml.m5.large", "hosts": ["algo-2"]},
    ],
}
BARE_RESOURCES = {"current_host": "algo-1", "hosts": ["algo-1"]}
TOPOLOGY = {**BARE_RESOURCES, "topology": [{"hostName": "algo-1", "capacityUnitId": "c1"}]}
CHANNELS = {
    "train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"},
    "a-b.c_d": {"ContentType": "text/csv", "TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"},
}
DEEP = {"layers": [{"units": 64, "act": "relu"}, {"units": 1, "act": None}], "lr": {"a": 1e-5, "b": [True, False]}}
PLATFORM = {
    "sagemaker_container_log_level": "20",
    "sagemaker_job_name": '"my-job"',
    "sagemaker_region": '"eu-west-1"',
    "sagemaker_enable_cloudwatch_metrics": "false",
    "sagemaker_s3_output": "null",
    "_tuning_objective_metric": '"loss"',
    "default_user_module_name": '"x"',
}

LAUNCHERS = {"PATH": f"{pathlib.Path(__file__).parent / 'launchers'}:{os.environ.get('PATH', '/usr/bin:/bin')}"}


def launched(launcher, *, environment=None, **more):
    """With programs on PATH that stand for torchrun and mpirun."""
    flags = {f"sagemaker_{name}": json.dumps(value) for name, value in launcher.items()}
    return {"hps": {**hps(epochs=2, name="a b"), **flags}, "environment": {**LAUNCHERS, **(environment or {})}, **more}


TORCHRUN, MPI = {"torch_distributed_enabled": True}, {"mpi_enabled": True}
MANY = {"mpi_num_of_processes_per_host": 4}

CASES = {
    # launchers of many processes
    "torchrun": launched(TORCHRUN),
    "torchrun with processes": launched({**TORCHRUN, **MANY}),
    "torchrun over hosts": launched(TORCHRUN, resources=TWO_HOSTS),
    "torchrun in one group of two": launched({**TORCHRUN, "distribution_instance_groups": ["workers"]}, resources=TWO_GROUPS),
    "torchrun on a large machine": launched(TORCHRUN, resources={**TWO_HOSTS, "current_instance_type": "ml.p4d.24xlarge"}),
    "torchrun for neurons": launched(TORCHRUN, environment={"RUN_NEURON_PARALLEL_COMPILE": "0"}),
    "torchrun that fails": launched(TORCHRUN, environment={"LAUNCHER_EXITS": "3"}),
    "torchrun of a shell script": launched(TORCHRUN, program="run.sh", files={"run.sh": SHELL_DUMP}),
    "torchrun switched off": launched({"torch_distributed_enabled": False}),
    "mpirun": launched(MPI),
    "mpirun with processes": launched({**MPI, **MANY, "mpi_num_processes": 2}),
    "mpirun with options": launched({**MPI, **MANY, "mpi_custom_mpi_options": "-verbose --NCCL_DEBUG WARN -x FOO=1"}),
    "mpirun of a shell script": launched(MPI, program="run.sh", files={"run.sh": SHELL_DUMP}),
    "mpirun that fails": launched(MPI, environment={"LAUNCHER_EXITS": "5"}),
    "mpirun with a user's keys": launched(MPI, environment={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}),
    # values
    "no hyperparameters": {"hps": {}},
    "numbers": {"hps": hps(epochs=20, lr=0.001, tiny=1e-5, small=0.0001, big=1e16, large=123456789.0, neg=-3, zero=-0.0)},
    "floats at the edges": {"hps": raw(a="1e400", b="-1e400", c="5e-324", d="1e22", e="1.7976931348623157e308", f="1E5", g="0.1e1")},
    "numbers Python takes": {"hps": raw(a="NaN", b="Infinity", c="-Infinity", d="-0", e="123456789012345678901234567890", f=" 7 ")},
    "numbers Python refuses": {"hps": raw(a="01", b=".5", c="5.", d="+5", e="1_000", f="0x10", g="nan", h="-", i="1e")},
    "booleans and none": {"hps": {**hps(yes=True, no=False, none=None), **raw(text="True", low="true", word="None")}},
    "text with quotes": {"hps": hps(a="it's", b='say "hi"', c="both ' and \"", d="back\\slash", e="$HOME `id` $(id) ;|&")},
    "text unquoted": {"hps": raw(a="plain words", b="", c='"', d="{", e="s3://bucket/key", f="'quoted'", g="a=b")},
    "text with blanks": {"hps": hps(a="  lead and trail  ", b="tab\there", c="line\nbreak", d="\r\n", e="")},
    "unicode": {"hps": hps(a="\u00e9\u00df\u6f22\U0001f600", b="\u200b\u00a0", c=["\u00e9", "\u200b", "\U0001f600", "\ue000"])},
    "escapes": {"hps": raw(a='"\\u00e9\\ud83d\\ude00\\/"', b='"\\x41"', c='"tab\there"', d='"\\u12"', e='"\\"')},
    "lists": {"hps": hps(a=[1, 2.5, True, None, "a"], b=[], c=[[1], [2, [3]]], d=["it's", 'q"', "\n\x7f\\"])},
    "dicts": {"hps": hps(a={"b": 1, "a": 2}, c={}, d={"x": {"y": [1, None]}, "t": True, "n": None, "s": "it's"})},
    "nested": {"hps": hps(model=DEEP)},
    "repeated keys in a value": {"hps": raw(a='{"x": 1, "y": 2, "x": 3}', b='[{"k": 1, "k": 2}]')},
    "long values": {"hps": hps(a="x" * 2400, b=list(range(400)), c={str(i): i for i in range(150)})},
    "a hundred": {"hps": {f"key{i}": json.dumps(i * 1.5) for i in range(100)}},
    "values that are no text": {"hps": {"a": 1, "b": None, "c": [1], "d": {"x": 1.0}}},
    "trailing text": {"hps": raw(a='"a" b', b="1 2", c="[1,]", d="{'a': 1}", e="// c\n1", f='{"a":1}}')},
    # keys
    "short and long keys": {"hps": hps(**{"a": 1, "bb": 2, "\u00e9": 3, "": 4, "A": 5})},
    "keys with signs": {"hps": hps(**{"batch-size": 1, "a.b": 2, "a b": 3, "--x": 4, "9": 5, "a/b": 6})},
    "keys in capitals": {"hps": hps(**{"stra\u00dfe": 1, "\ufb01x": 2, "\u00e9t\u00e9": 3, "\u01c6": 4, "\u0390": 5})},
    "keys that fold to one": {"hps": hps(**{"x": 1, "X": 2, "lr": 3, "LR": 4})},
    "keys in file order": {"hps": hps(**{"X": 1, "x": 2, "b": 3, "a": 4})},
    # the platform's
    "platform keys": {"hps": {**PLATFORM, **hps(mine=1)}},
    "framework keys": {"hps": {**hps(sagemaker_instance_type="x", sagemaker_anything=[1]), **hps(mine=1)}},
    "log level as a number": {"hps": raw(sagemaker_container_log_level="10")},
    "log level as text": {"hps": raw(sagemaker_container_log_level='"INFO"')},
    "region from the environment": {"hps": {}, "environment": {"AWS_DEFAULT_REGION": "ap-south-1", "TRAINING_JOB_NAME": "job-7"}},
    "region null": {"hps": raw(sagemaker_region="null"), "environment": {"AWS_DEFAULT_REGION": "ap-south-1"}},
    "program from the environment": {"hps": raw(sagemaker_program='"other.py"'), "environment": {"SAGEMAKER_PROGRAM": "train.py"}},
    "submit directory from the environment": {"hps": {}, "environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://no/such"}},
    "model parallel": {"hps": {}, "environment": {"SM_HP_MP_PARAMETERS": '{"a": 1}'}},
    "model parallel, empty": {"hps": {}, "environment": {"SM_HP_MP_PARAMETERS": "{}"}},
    # the cluster
    "channels": {"hps": {}, "channels": CHANNELS},
    "two hosts": {"hps": {}, "resources": TWO_HOSTS},
    "two hosts with mpi flags": {"hps": raw(sagemaker_parameter_server_enabled="true"), "resources": TWO_HOSTS},
    "two groups": {"hps": {}, "resources": TWO_GROUPS},
    "two groups, one distributed": {"hps": raw(sagemaker_distribution_instance_groups='["chiefs"]'), "resources": TWO_GROUPS},
    "bare resources": {"hps": {}, "resources": BARE_RESOURCES},
    "topology": {"hps": {}, "resources": TOPOLOGY},
    "no hosts": {"hps": {}, "resources": {"current_host": "algo-1"}},
    # entry points
    "in a folder": {"hps": {}, "program": "src/train.py", "files": {"src/train.py": DUMP}},
    "shell": {"hps": hps(a="it's", b="x y", c="", d="$HOME"), "program": "run.sh", "files": {"run.sh": SHELL_DUMP}},
    "a command": {"hps": hps(a=1), "program": "run", "files": {"run": SHELL_DUMP}},
    "shell without arguments": {"hps": {}, "program": "run.sh", "files": {"run.sh": "#!/bin/sh\nexit 5\n"}},
    "shell beside setup.py": {"hps": {}, "program": "run.sh", "files": {"run.sh": SHELL_DUMP, "setup.py": ""}},
    "no program": {"hps": {}, "program": None},
    "program that is a number": {"hps": {}, "program": 5},
    "program with a blank": {"hps": {}, "program": "my train.py", "files": {"my train.py": DUMP}},
    "program with signs": {"hps": {}, "program": "a;b$\u00e9.py"},
    "program with a dash": {"hps": {}, "program": "-c.py"},
    "program with a plus": {"hps": {}, "program": "+c.py"},
    "program from the root": {"hps": {}, "program": "/etc/train.py"},
    "program above": {"hps": {}, "program": "../train.py"},
    "program with a dot part": {"hps": {}, "program": "a/./train.py"},
    "missing script": {
        "hps": {},
        "program": "nope.py",
        "ours": "PYTHON: can't open file 'BASE/code/nope.py': [Errno 2] No such file or directory",
    },
    "missing command": {"hps": {}, "program": "nope.sh"},
    # endings
    "exit code": {"hps": {}, **fails("import sys; sys.exit(3)")},
    "exit code 137": {"hps": {}, **fails("import sys; sys.exit(137)")},
    "killed": {"hps": {}, **fails("import os; os.kill(os.getpid(), 9)")},
    "terminated": {"hps": {}, **fails("import os; os.kill(os.getpid(), 15)")},
    "an exception": {"hps": hps(a=1), **fails("def f():\n    raise ValueError('bad: é \"x\"')\nf()\n")},
    "an exception with a long text": {"hps": {}, **fails("raise RuntimeError('x' * 3000)")},
    "module not found": {"hps": {}, **fails("import no_such_module_here\n")},
    "syntax error": {"hps": {}, **fails("def f(:\n")},
    "attribute error": {"hps": {}, **fails("import argparse\nargparse.Namespace().model_dir\n")},
    "error on stdout": {"hps": {}, **fails("import sys\nprint('KeyError: told')\nprint('more')\nsys.exit(1)\n")},
    "same line twice": {"hps": {}, **fails("import sys\nsys.stderr.write('ValueError: a\\nb\\nb\\n  b \\n')\nsys.exit(2)\n")},
    "not UTF-8": {"hps": {}, **fails("import sys\nsys.stderr.buffer.write(b'OSError: \\xff\\xe2\\x82x\\n')\nsys.exit(1)\n")},
    # errors whose names the toolkit does not know: it shows an empty text, ours names them ("ours")
    "an error of one's own": {
        "hps": {},
        **fails("class BadData(Exception):\n    pass\ndef f():\n    raise BadData('row 7\\nis odd')\nf()\n"),
        "ours": "BadData: row 7\nis odd",
    },
    "an error of a module's own": {
        "hps": {},
        "files": {"train.py": DUMP + "import lib\nlib.go()\n",
                  "lib.py": "class ClientError(Exception):\n    pass\ndef go():\n    raise ClientError('no such bucket')\n"},
        "ours": "lib.ClientError: no such bucket",
    },
    "an error after another": {
        "hps": {},
        **fails("class First(Exception):\n    pass\nclass Last(Exception):\n    pass\n"
                "try:\n    raise First('a')\nexcept First:\n    raise Last('b')\n"),
        "ours": "Last: b",
    },
    "words on stderr and an exit code": {
        "hps": {},
        **fails("import sys\nsys.stderr.write('starting\\n\\n')\nsys.exit('cannot read: é')\n"),
        "ours": "cannot read: é",
    },
    "words on stdout only": {"hps": {}, **fails("import sys\nprint('all is lost')\nsys.exit(1)\n")},
    "killed after words": {"hps": {}, **fails("import os, sys\nsys.stderr.write('epoch 3\\n')\nsys.stderr.flush()\nos.kill(os.getpid(), 9)")},
    "exception but exit 0": {"hps": {}, **fails("print('ValueError: caught')\n")},
    "failure file of its own": {
        "hps": {},
        **fails("import os, sys\nopen(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('mine')\nsys.exit(4)\n"),
    },
    "names with an equals sign": {"hps": hps(**{"a=b": 1})},
    "a NUL": {"hps": raw(a='"x\\u0000y"')},
    "a lone surrogate": {"hps": raw(a='"\\ud800"')},
    "a surrogate that stands for a byte": {"hps": raw(a='"\\udcff"')},
    "too deep": {"hps": raw(a="[" * 1200)},
    "one variable too long": {"hps": raw(**{f"k{i}": "x" * 2400 for i in range(60)})},
    # requirements
    "empty requirements": {"hps": {}, "files": {"train.py": DUMP, "requirements.txt": "# nothing\n"}},
    "broken requirements": {"hps": {}, "files": {"train.py": DUMP, "requirements.txt": "./nope nope\n"}},
    "requirements beside shell": {"hps": {}, "program": "run.sh", "files": {"run.sh": SHELL_DUMP, "requirements.txt": "!!\n"}},
    "broken package": {"hps": {}, "files": {"train.py": DUMP, "setup.py": "raise ValueError('no')\n"}, "compare": "command"},
}
