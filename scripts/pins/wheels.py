"""What the pinning scripts share: fetch wheels with pip, read them without running anything, write the pins."""
import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
import zipfile
from email.parser import HeaderParser

PYTHON = "3.11"
# Wheels are read, not installed: any manylinux tag will do, whatever the C library of this machine.
PLATFORMS = ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]
PLATFORMS += [f"manylinux_2_{minor}_x86_64" for minor in (5, 12, 17, 24, 26, 27, 28, 31, 34, 35)]
MAX_FILE = 2_000_000
PERMISSIVE = re.compile(r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|ZPL|Zope|Python-2\.0", re.I)
REFUSED = re.compile(r"GPL|MPL|Mozilla|EUPL|Proprietary|Commercial|Non-?Commercial", re.I)

warnings.simplefilter("ignore")


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def download(names, folder):
    """One pip call for all names. Whatever indexes pip is configured with are used; nothing is installed or built."""
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write("\n".join(names))
        listing.flush()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                   "--python-version", PYTHON, "--implementation", "cp", "--dest", folder, "-r", listing.name]
        for platform in PLATFORMS:
            command += ["--platform", platform]
        subprocess.run(command, check=True)


def short_licence(metadata):
    """The shortest honest name: the SPDX expression, else the classifier, else the first line of the field."""
    if metadata["License-Expression"]:
        return metadata["License-Expression"]
    classifiers = [c.split("::")[-1].strip() for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
    classifiers = [c for c in classifiers if c != "OSI Approved"]
    first = (metadata["License"] or "").strip().splitlines()
    return "; ".join(classifiers) or (first[0].strip() if first else "")


def licence_is_permissive(licence):
    return bool(PERMISSIVE.search(licence)) and not REFUSED.search(licence)


def is_test_file(path):
    name = path.rsplit("/", 1)[-1]
    return bool(name.startswith("test_") or name.endswith("_test.py") or re.search(r"(^|/)tests?/", path))


def count_assertions(source):
    """How many assertions with something to complete stand inside test functions (an estimate of the tasks)."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    seen = set()
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or not function.name.startswith("test"):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
                seen.add(id(node))
            elif isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if (name.startswith("assert") and len(node.args) >= 2) or (name == "raises" and node.args):
                    seen.add(id(node))
    return len(seen)


def read_wheel(path, assertions=False):
    """Pin and figures of one wheel."""
    with open(path, "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    files, tasks, code = {}, 0, 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if re.fullmatch(r"[^/]+\.dist-info/METADATA", member.filename):
                metadata = HeaderParser().parsestr(archive.read(member).decode("utf8", "replace"))
            if not member.filename.endswith(".py") or member.file_size > MAX_FILE:
                continue
            content = archive.read(member)
            files[member.filename] = (hashlib.sha256(content).hexdigest(), len(content))
            if not is_test_file(member.filename):
                code += len(content)
            elif assertions:
                tasks += count_assertions(content)
    pin = {"name": normal(metadata["Name"]), "version": metadata["Version"], "file": os.path.basename(path),
           "sha256": digest, "licence": short_licence(metadata)}
    return {"pin": pin, "files": files, "assertions": tasks, "code": code, "size": os.path.getsize(path)}


def write_json(path, value):
    with open(path + ".tmp", "w", encoding="utf8") as stream:
        json.dump(value, stream, indent=1, ensure_ascii=False)
        stream.write("\n")
    os.replace(path + ".tmp", path)


def newest_by_name(folder, names):
    """The newest version's wheel of each name in a folder (which may hold other wheels and older versions beside)."""
    def age(file):
        version = re.match(r"[^-]+-([^-]+)-", file)
        return [int(n) for n in re.findall(r"\d+", version[1])] if version else [], os.path.getmtime(os.path.join(folder, file))

    wanted, found = {normal(n) for n in names}, {}
    for file in sorted(os.listdir(folder), key=age):
        name = normal(file.split("-")[0])
        if file.endswith(".whl") and name in wanted:
            found[name] = os.path.join(folder, file)
    missing = sorted(wanted - found.keys())
    if missing:
        sys.exit(f"no wheel for: {', '.join(missing)}")
    return found
