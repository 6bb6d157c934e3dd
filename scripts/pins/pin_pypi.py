"""Pin the large benchmark: permissively licensed source distributions that ship their tests, split by repository.

Usage: python3 scripts/pins/pin_pypi.py TOP_JSON [DOWNLOADS]   (default data/cache/downloads)
TOP_JSON ranks projects by downloads: top-pypi-packages.min.json of https://hugovk.github.io/top-pypi-packages/. In its
order the newest source distribution of each project is read, never built or run, until the corpus is full.
Result: data/corpora/pypi.json. Run it after pin_pretrain.py and pin_mini.py: it shares no project with either, and none
that is a copy of one of theirs.
"""
import hashlib
import json
import os
import random
import re
import sys
import tarfile
import urllib.error
import zipfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from email.parser import HeaderParser

from package_index import fetch, files_of
from wheels import (MAX_FILE, count_assertions, download, is_test_file, licence_is_permissive, normal, read_wheel,
                    short_licence, write_json)

SEED = 3407
PROJECTS = 480
MIN_ASSERTIONS, MIN_CODE, MAX_TEXT, MAX_ARCHIVE = 60, 30_000, 6_000_000, 3_000_000
# Projects of one owner stay inside one split, and none has more than this many: clients made by a generator come by the dozen.
MAX_FAMILY = 3
# Two projects are copies when they have this much of the smaller one's Python text in common.
MAX_SHARED = 0.05
SHARES = {"cr_test": 0.12, "cr_val": 0.08}
STRATUM = 25


def newest_source(name):
    """The newest final release's source distribution as the index lists it, or None."""
    try:
        files = files_of(name)
    except urllib.error.HTTPError:
        return None
    best = None
    for file in files:
        found = re.fullmatch(r"(.+)-(\d+(?:\.\d+)*(?:\.post\d+)?)\.(?:tar\.gz|zip)", file["filename"])
        if not found or file["yanked"] or normal(found[1]) != name:
            continue
        numbers = [int(n) for n in re.findall(r"\d+", found[2])]
        if best is None or numbers > best["numbers"]:
            best = {**file, "version": found[2], "numbers": numbers}
    return best


def members(path):
    """Name and content of every Python file of some size, and of PKG-INFO; the folder that holds them all is cut off."""
    wanted = lambda name, size: size <= MAX_FILE and (name.endswith(".py") or name.endswith("PKG-INFO"))
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if wanted(member.filename, member.file_size):
                    yield member.filename.partition("/")[2], archive.read(member)
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and wanted(member.name, member.size):
                    yield member.name.removeprefix("./").partition("/")[2], archive.extractfile(member).read()


def owner_of(name, metadata):
    """Who keeps it, as its links to a forge say; else the first word of its name."""
    links = [metadata["Home-page"] or ""] + (metadata.get_all("Project-URL") or [])
    found = next((m for m in (re.search(r"(?:github|gitlab|codeberg)\.\w+/([\w.-]+)/", link) for link in links) if m), None)
    return found[1].lower() if found else name.split("-")[0]


def read_source(name, file, folder):
    """Pin and figures of one source distribution, or why it is of no use."""
    path = fetch(file, folder)
    files, tasks, code, metadata = {}, 0, 0, None
    try:
        for member, content in members(path):
            if member == "PKG-INFO":
                metadata = HeaderParser().parsestr(content.decode("utf8", "replace"))
            elif member.endswith(".py"):
                files[member] = (hashlib.sha256(content).hexdigest(), len(content))
                if is_test_file(member):
                    tasks += count_assertions(content)
                else:
                    code += len(content)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        return f"unreadable: {error}"
    if metadata is None:
        return "no PKG-INFO"
    licence = short_licence(metadata)
    if not licence_is_permissive(licence):
        return "licence"
    text = sum(size for _, size in files.values())
    if tasks < MIN_ASSERTIONS or code < MIN_CODE:
        return "too small"
    if text > MAX_TEXT:
        return "too large"
    pin = {"name": name, "version": file["version"], "file": file["filename"], "sha256": file["hashes"]["sha256"], "licence": licence[:80]}
    return {"pin": pin, "files": files, "assertions": tasks, "owner": owner_of(name, metadata), "size": file["size"]}


def texts_of(files):
    return {digest: size for digest, size in files.values() if size > 200}


class Taken:
    """The texts of what is kept and of the other corpora: whether a project is a copy of one of them."""

    def __init__(self):
        self.owners, self.sizes = defaultdict(list), {}

    def add(self, name, files):
        texts = texts_of(files)
        self.sizes[name] = sum(texts.values())
        for digest in texts:
            self.owners[digest].append(name)

    def copy_of(self, files):
        texts, shared = texts_of(files), Counter()
        for digest, size in texts.items():
            for name in self.owners.get(digest, ()):
                shared[name] += size
        total = sum(texts.values())
        return next((n for n, s in shared.items() if s > MAX_SHARED * max(1, min(total, self.sizes[n]))), None)


def split(projects):
    """Whole families into parts, drawn at random among families of like size (assertions of their largest project)."""
    families = defaultdict(list)
    for project in projects:
        families[project["owner"]].append(project)
    order = sorted(families, key=lambda f: (max(p["assertions"] for p in families[f]), f))
    rng, parts, held = random.Random(SEED), {}, Counter()
    for at in range(0, len(order), STRATUM):
        stratum = order[at:at + STRATUM]
        rng.shuffle(stratum)
        size = sum(len(families[f]) for f in order[:at + STRATUM])
        for family in stratum:
            part = next((p for p, share in SHARES.items() if held[p] + len(families[family]) <= round(share * size)), "train")
            held[part] += len(families[family])
            parts.update((p["pin"]["name"], part) for p in families[family])
    return parts


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    with open(sys.argv[1], encoding="utf8") as stream:
        ranked = [normal(row["project"]) for row in json.load(stream)["rows"]]
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(root, "data", "cache", "downloads")
    os.makedirs(folder, exist_ok=True)
    taken, others = Taken(), set()
    for corpus in ("pretrain", "mini"):
        with open(os.path.join(root, "data", "corpora", f"{corpus}.json"), encoding="utf8") as stream:
            pins = json.load(stream)["projects"]
        others |= {pin["name"] for pin in pins}
        missing = [pin for pin in pins if not os.path.exists(os.path.join(folder, pin["file"]))]
        if missing:
            download([f"{pin['name']}=={pin['version']} --hash=sha256:{pin['sha256']}" for pin in missing], folder)
        for pin in pins:
            taken.add(pin["name"], read_wheel(os.path.join(folder, pin["file"]))["files"])

    def look(name):
        file = newest_source(name)
        if file is None:
            return "no source distribution"
        return "too large" if file["size"] > MAX_ARCHIVE else read_source(name, file, folder)

    kept, family, refused = [], Counter(), Counter()
    with ThreadPoolExecutor(8) as pool:
        names = [name for name in dict.fromkeys(ranked) if name not in others]
        for at in range(0, len(names), 64):
            for name, found in zip(names[at:at + 64], pool.map(look, names[at:at + 64])):
                if isinstance(found, dict):
                    if family[found["owner"]] == MAX_FAMILY:
                        found = "family is full"
                    elif taken.copy_of(found["files"]):
                        found = "copy of another"
                if isinstance(found, str):
                    refused[found.split(":")[0]] += 1
                    continue
                taken.add(name, found["files"])
                family[found["owner"]] += 1
                kept.append(found)
            print(f"{at + 64} looked at, {len(kept)} kept, refused: {dict(refused)}", flush=True)
            if len(kept) >= PROJECTS:
                break
    del kept[PROJECTS:]
    parts = split(kept)
    projects = []
    for project in sorted(kept, key=lambda p: p["pin"]["name"]):
        pin = {**project["pin"], "split": parts[project["pin"]["name"]]}
        if family[project["owner"]] > 1:
            pin["family"] = project["owner"]
        projects.append(pin)
    write_json(os.path.join(root, "data", "corpora", "pypi.json"), {
        "name": "pypi",
        "description": f"Source distributions of the most downloaded PyPI projects: at least {MIN_ASSERTIONS} assertions in "
                       f"test functions and {MIN_CODE // 1000} KB of other Python, at most {MAX_FAMILY} of an owner, no copies. "
                       "Split by repository and size, seed 3407; a family stays inside one split.",
        "python": "any",
        "platform": "any",
        "projects": projects,
    })
    print(f"{len(projects)} projects {dict(Counter(parts.values()))}, {sum(p['size'] for p in kept) / 1e6:.0f} MB to download, "
          f"{sum(p['assertions'] for p in kept)} assertions")


if __name__ == "__main__":
    main()
