"""Which processes of a job are alive, told by a mark in their environment."""
import pathlib
import time


def processes():
    return [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]


def marked(text):
    """Pids of the processes that have `text` in their environment; zombies are gone already and have none."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if text.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def parent(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def children(pid):
    return [child for child in processes() if parent(child) == pid]


def command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def runner_of(pid):
    """The sagelet-runner above a process."""
    while pid > 1:
        if "sagelet-runner" in command(pid).split(" ")[0]:
            top, above = pid, parent(pid)
            while "sagelet-runner" in command(above).split(" ")[0]:
                top, above = above, parent(above)
            return top
        pid = parent(pid)
    return None


def gone_within(text, seconds):
    """Waits until no process has the mark; gives those left."""
    deadline = time.monotonic() + seconds
    while marked(text) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [(pid, command(pid)) for pid in marked(text)]
