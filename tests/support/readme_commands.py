"""README.md's commands, run exactly as printed: every fenced `sh` block, in order, in one shell per section."""
import os
import re
import signal
import subprocess

import pytest

from support.server import ROOT, clean_environment

README = ROOT / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 900


def sections():
    """{heading: its sh blocks joined}, in the order of the page."""
    found = {}
    for part in re.split(r"^## ", README.read_text(), flags=re.MULTILINE):
        blocks = BLOCK.findall(part)
        if blocks:
            found[part.splitlines()[0].strip() or "top"] = "\n".join(blocks)
    return found


@pytest.mark.parametrize("heading", sections())
def test_the_commands_work_as_printed(heading, tmp_path):
    env = clean_environment(XDG_DATA_HOME=tmp_path)
    process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", sections()[heading]], cwd=ROOT, env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        out, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        pytest.fail(f"{heading}: not done after {SECONDS} s\n{out[-4000:]}")
    finally:
        try:
            os.killpg(process.pid, signal.SIGTERM)  # what the section left in the background
        except ProcessLookupError:
            pass
    assert process.returncode == 0, f"{heading}:\n{out[-6000:]}"


def test_the_page_has_commands_to_run():
    assert sections()
