"""Pin the small benchmark: permissively licensed wheels that ship their own tests, split by repository.

Usage: python3 scripts/pins/pin_mini.py [DOWNLOADS]   (default data/cache/downloads)
pip fetches the newest wheel of every name below from whatever indexes it is configured with; wheels are read, never
installed, and their code never runs. Result: data/corpora/mini.json. Run it after pin_pretrain.py: it checks that the
two corpora share no project, and lists in pretrain.json the files (by hash) that pretraining must leave out.
The file it writes has no histories: run pin_releases.py after it.
"""
import json
import os
import random
import sys
from collections import Counter, defaultdict

from wheels import PYTHON, download, licence_is_permissive, newest_by_name, read_wheel, write_json

# Projects of one community or one ancestry stay inside one split, so no test repository has a sibling in training.
FAMILIES = {
    "astropy": "asdf astropy photutils pyerfa sunpy",
    "einops": "einops einx opt-einsum",
    "explosion": "srsly thinc weasel",
    "geopandas": "geopandas libpysal shapely",
    "jsonschema": "jsonschema referencing",
    "jupyter": "ipywidgets jupyter-lsp jupyterlab",
    "nipy": "dipy nibabel nilearn nipype",
    "pint": "flexparser pint",
    "scikit-learn": "imbalanced-learn scikit-learn",
    "sympy": "mpmath sympy",
    "twisted": "automat hyperlink twisted",
    "uqfoundation": "dill multiprocess",
    "zope": "zodb zope-interface",
}
SINGLE = """
accelerate aenum arviz cartopy cherrypy control croniter cvxpy dask ecdsa emcee gevent gitdb
google-genai google-pasta h5netcdf h5py holoviews jeepney joblib kazoo keras matplotlib music21 mypy ndindex networkit
networkx nltk numba numcodecs numexpr numpy optax parsl passlib patsy pettingzoo pooch posthog pulp pyamg pycryptodome
pyflakes pywavelets rdata regex scikit-bio scikit-rf simplejson skyfield statsmodels tables tensorly toolz tornado trio
wagtail websocket-client xarray
"""
FAMILY = {name: family for family, names in FAMILIES.items() for name in names.split()}
NAMES = [*FAMILY, *SINGLE.split()]
SEED = 3407
CR_TEST, CR_VAL = 40, 9
MIN_ASSERTIONS, MIN_CODE = 40, 50_000
# Two wheels are copies when they have this much of the smaller one's Python text in common.
MAX_SHARED = 0.05


def split(names):
    """Whole families in seeded order fill the test set, then the validation set; the others train."""
    groups = defaultdict(list)
    for name in sorted(names):
        groups[FAMILY.get(name, name)].append(name)
    order = sorted(groups)
    random.Random(SEED).shuffle(order)
    room, result = {"cr_test": CR_TEST, "cr_val": CR_VAL, "train": len(names)}, {}
    for family in order:
        part = next(p for p in room if room[p] >= len(groups[family]))
        room[part] -= len(groups[family])
        result.update(dict.fromkeys(groups[family], part))
    return result


def shared_text(a, b):
    """Share of the smaller wheel's Python text (files over 200 bytes) that stands word for word in the other."""
    texts = [{digest: size for digest, size in w["files"].values() if size > 200} for w in (a, b)]
    both = sum(texts[0][d] for d in texts[0].keys() & texts[1].keys())
    return both / max(1, min(sum(t.values()) for t in texts))


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "data", "cache", "downloads")
    download(NAMES, folder)
    wheels = {}
    for name, path in sorted(newest_by_name(folder, NAMES).items()):
        wheel = read_wheel(path, assertions=True)
        if not licence_is_permissive(wheel["pin"]["licence"]):
            print(f"refused, licence: {name} ({wheel['pin']['licence']})")
        elif wheel["assertions"] < MIN_ASSERTIONS or wheel["code"] < MIN_CODE:
            print(f"refused, too small: {name} ({wheel['assertions']} assertions, {wheel['code']} bytes of other code)")
        else:
            wheels[name] = wheel

    names = sorted(wheels)
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            share = shared_text(wheels[a], wheels[b])
            if share > MAX_SHARED:
                sys.exit(f"{a} and {b} share {share:.0%} of their text: keep one of them")
            if share > 0:
                print(f"shared text: {a} and {b}, {share:.2%}")

    parts = split(names)
    projects = []
    for name in names:
        pin = {**wheels[name]["pin"], "split": parts[name]}
        if name in FAMILY:
            pin["family"] = FAMILY[name]
        projects.append(pin)
    write_json(os.path.join(root, "data", "corpora", "mini.json"), {
        "name": "mini",
        "description": "PyPI wheels that ship their own tests: at least 40 assertions in test functions and 50 KB of "
                       "other Python. Split by repository, seed 3407; a family stays inside one split.",
        "python": PYTHON,
        "platform": "manylinux x86_64",
        "projects": projects,
    })
    size = sum(w["size"] for w in wheels.values())
    print(f"{len(projects)} projects {dict(Counter(parts.values()))}, {size / 1e6:.0f} MB to download, "
          f"{sum(w['assertions'] for w in wheels.values())} assertions")

    pretrain = os.path.join(root, "data", "corpora", "pretrain.json")
    with open(pretrain, encoding="utf8") as stream:
        other = json.load(stream)
    common = {p["name"] for p in other["projects"]} & set(names)
    if common:
        sys.exit(f"in both corpora: {', '.join(sorted(common))}")
    owner = {d: n for n in names for d, s in wheels[n]["files"].values() if s > 0}
    exclude = set()
    for pin in other["projects"]:
        hits = Counter()
        for digest, size in read_wheel(os.path.join(folder, pin["file"]))["files"].values():
            if digest in owner:
                exclude.add(digest)
                hits[owner[digest]] += size
        if sum(hits.values()) > 1000:
            print(f"pretrain {pin['name']} shares with " + ", ".join(f"{n} {s} B" for n, s in hits.most_common()))
    other["exclude"] = sorted(exclude)
    write_json(pretrain, other)
    print(f"{len(exclude)} files stand in both corpora: listed in pretrain.json under `exclude`")


if __name__ == "__main__":
    main()
