"""The Python package index: what it lists of a project, and its files, kept only when their hash is the listed one."""
import hashlib
import json
import os
import sys
import urllib.request

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")


def files_of(name):
    """Files of a project as the index lists them (PEP 691). Raises urllib.error.HTTPError when it has no such project."""
    request = urllib.request.Request(f"{INDEX}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["files"]


def fetch(file, folder):
    """The path of a listed file in `folder`, downloaded unless it is there."""
    path = os.path.join(folder, file["filename"])
    if not os.path.exists(path):
        with urllib.request.urlopen(file["url"], timeout=600) as response, open(path + ".tmp", "wb") as out:
            while block := response.read(1 << 20):
                out.write(block)
        os.replace(path + ".tmp", path)
    with open(path, "rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != file["hashes"]["sha256"]:
            sys.exit(f"{path} is not the file the index lists: delete it and run this again")
    return path
