"""Pin earlier releases of the small benchmark's projects: each project's releases in order are its history.

Usage: python3 scripts/pins/pin_releases.py [DOWNLOADS]   (default data/cache/downloads)
The package index tells when each wheel was uploaded; pip fetches the chosen ones, which are read and never installed.
Result: `releases` of data/corpora/mini.json; nothing else in that file changes. Run it after pin_mini.py.
"""
import json
import os
import re
import sys
import zipfile
from collections import Counter

from package_index import files_of
from wheels import MAX_FILE, download, is_test_file, licence_is_permissive, read_wheel, write_json

NAMES = """
accelerate aenum arviz asdf dill ecdsa geopandas holoviews imbalanced-learn joblib jsonschema
kazoo libpysal networkx optax parsl pint pooch posthog tensorly trio xarray
""".split()
# The benchmark's cut-off, and the first year in which nearly all wheels are Python 3.
SINCE, CUTOFF = "2018-01-01T00:00:00Z", "2025-04-01T00:00:00Z"
MIN_RELEASES, MAX_RELEASES = 5, 8
MAX_WHEEL = 8_000_000
# A release is of use when so many assertions in it are new: added, or changed since the release before.
MIN_NEW = 15
TAG = re.compile(r"-(py2\.py3|py3|py2\.py3\.\w+)-none-any\.whl$|-cp3\d+-abi3-manylinux\w*_x86_64(\.manylinux\w+)*\.whl$")
TOO_OLD = re.compile(r"<\s*3\.(\d|1[01])(?!\d)")
ASSERTION = re.compile(r"^\s*(assert\b.+|.*\b(self\.assert\w+|assert_\w+|raises)\(.*)$")


def releases_of(name):
    """Final releases in the window with a small wheel that pip takes for Python 3.11, each newer than all before, oldest first."""
    found, newest = [], ()
    for file in sorted(files_of(name), key=lambda f: f["upload-time"]):
        version = file["filename"].split("-")[1]
        numbers = tuple(int(n) for n in version.split(".")) if re.fullmatch(r"\d+(\.\d+)*", version) else ()
        if (TAG.search(file["filename"]) and not file["yanked"] and file["size"] <= MAX_WHEEL and numbers > newest
                and not TOO_OLD.search(file["requires-python"] or "") and SINCE <= file["upload-time"] < CUTOFF):
            newest = numbers
            found.append({"version": version, "file": file["filename"], "sha256": file["hashes"]["sha256"],
                          "uploaded": file["upload-time"][:19] + "Z"})
    return found


def evenly(items, count):
    """At most `count` of the items at even distances, the first and the last among them."""
    if len(items) <= count:
        return items
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def assertions(path):
    """Lines of test files that assert something, with how often they stand there; an estimate of the tasks."""
    lines = Counter()
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".py") and is_test_file(member.filename) and member.file_size <= MAX_FILE:
                for line in archive.read(member).decode("utf8", "replace").splitlines():
                    if ASSERTION.match(line):
                        lines[member.filename, line.strip()] += 1
    return lines


def keep(name, releases, folder):
    """The releases that bring new assertions, and how many each brings."""
    kept, counts, before = [], [], Counter()
    for release in releases:
        path = os.path.join(folder, release["file"])
        pin = read_wheel(path)["pin"]
        if pin["sha256"] != release["sha256"]:
            sys.exit(f"{path} is not the file the index lists: delete it and run this again")
        if not licence_is_permissive(pin["licence"]):
            print(f"refused, licence: {name} {release['version']} ({pin['licence']})")
            continue
        now = assertions(path)
        new = sum((now - before).values())
        if new >= MIN_NEW:
            kept.append(release)
            counts.append(new)
            before = now
    return kept, counts


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "data", "cache", "downloads")
    mini = os.path.join(root, "data", "corpora", "mini.json")
    with open(mini, encoding="utf8") as stream:
        corpus = json.load(stream)
    split = {p["name"]: p["split"] for p in corpus["projects"]}
    chosen = {name: evenly(releases_of(name), MAX_RELEASES) for name in sorted(NAMES)}
    # pip takes one version of a project a call.
    for i in range(MAX_RELEASES):
        wanted = [f"{name}=={r[i]['version']}" for name, r in chosen.items()
                  if i < len(r) and not os.path.exists(os.path.join(folder, r[i]["file"]))]
        if wanted:
            download(wanted, folder)

    pinned, size, parts = {}, 0, Counter()
    for name, releases in chosen.items():
        kept, counts = keep(name, releases, folder)
        if len(kept) < MIN_RELEASES:
            print(f"refused, few releases with new assertions: {name} ({len(kept)} of {len(releases)})")
            continue
        pinned[name] = kept
        parts[split[name]] += 1
        own = sum(os.path.getsize(os.path.join(folder, r["file"])) for r in kept)
        size += own
        print(f"{split[name]:8}{name:18}{own / 1e6:6.1f} MB  {kept[0]['uploaded'][:7]} to {kept[-1]['uploaded'][:7]}"
              f"  assertions {counts[0]}, then new {' '.join(map(str, counts[1:]))}")
    write_json(mini, {**corpus, "releases": pinned})
    print(f"{len(pinned)} projects {dict(parts)}, {sum(map(len, pinned.values()))} releases, {size / 1e6:.0f} MB to download")


if __name__ == "__main__":
    main()
