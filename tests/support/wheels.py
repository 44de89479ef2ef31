"""Small wheels made by hand, so that a test can install something without an index."""
import zipfile


def make_wheel(folder, name, version, files=None, requires=()):
    """`name` of `version` with {path: text}, in `folder`; gives its path."""
    info = f"{name}-{version}.dist-info"
    members = dict(files or {f"{name}.py": f"__version__ = {version!r}\n"})
    members[f"{info}/METADATA"] = "".join([f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
                                           *(f"Requires-Dist: {line}\n" for line in requires)])
    members[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{path},,\n" for path in [*members, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in {**members, f"{info}/RECORD": record}.items():
            entry = zipfile.ZipInfo(member)
            entry.external_attr = (0o100755 if ".data/scripts/" in member else 0o100644) << 16
            archive.writestr(entry, text)
    return path
