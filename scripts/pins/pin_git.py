"""Pin git repositories of the published benchmark's kind: permissive licence, pytest or unittest, a history of commits.

Usage: python3 scripts/pins/pin_git.py [MIRROR]   (default data/cache/mirror)
MIRROR/owner/name.git are bare clones with full history; they are read with git and nothing in them is run. Repositories
that began before the cut-off are pinned at their last first-parent commit before it, those that began later at HEAD.
Result: data/corpora/mini-git.json. Families of which the code model saw a member in pretraining are training repositories.
"""
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timezone

from wheels import normal, write_json

NAMES = """
Delgan/loguru FactoryBoy/factory_boy Fatal1ty/mashumaro MongoEngine/mongoengine PyCQA/flake8 PyCQA/isort
Python-Markdown/markdown ReactiveX/RxPY Suor/funcy Textualize/rich a2aproject/a2a-python agronholm/anyio
agronholm/apscheduler agronholm/typeguard aio-libs/yarl alecthomas/voluptuous andialbrecht/sqlparse
anthropics/claude-agent-sdk-python arrow-py/arrow asottile/pyupgrade aws/bedrock-agentcore-sdk-python benjaminp/six
benoitc/gunicorn bottlepy/bottle celery/kombu coleifer/huey coleifer/peewee cookiecutter/cookiecutter
dateutil/dateutil davidhalter/jedi davidhalter/parso dbader/schedule dry-python/returns eliben/pycparser
encode/httpcore encode/httpx encode/starlette encode/uvicorn erikrose/parsimonious executablebooks/markdown-it-py
facelessuser/soupsieve facelessuser/wcmatch falconry/falcon fastapi/sqlmodel fastapi/typer fsspec/filesystem_spec
getsentry/responses github/spec-kit google/adk-python google/adk-python-community google/langextract
google/python-fire google/yapf gorakhargosh/watchdog gradio-app/trackio grantjenks/python-diskcache
grantjenks/python-sortedcontainers graphql-python/graphene graphql-python/graphql-core hgrecco/pint hhatto/autopep8
hynek/structlog ipython/traitlets jaraco/inflect jaraco/keyring jawah/charset_normalizer jazzband/pip-tools
jazzband/prettytable jazzband/tablib jd/tenacity jmespath/jmespath.py joblib/joblib john-kurkowski/tldextract
joke2k/faker jpadilla/pyjwt jupyter/nbformat kayak/pypika keleshev/schema kevin1024/vcrpy kjd/idna konradhalas/dacite
lark-parser/lark lepture/authlib lepture/mistune lidatong/dataclasses-json mahmoud/boltons mahmoud/glom
marshmallow-code/apispec marshmallow-code/marshmallow marshmallow-code/webargs martinblech/xmltodict
maxcountryman/flask-login miguelgrinberg/python-socketio mistralai/mistral-vibe mkdocs/mkdocs
more-itertools/more-itertools mpdavis/python-jose msgpack/msgpack-python msiemens/tinydb nose-devs/nose2
oauthlib/oauthlib pallets-eco/wtforms pallets/click pallets/flask pallets/itsdangerous pallets/jinja pallets/werkzeug
pika/pika pre-commit/identify pre-commit/pre-commit prompt-toolkit/python-prompt-toolkit psf/requests pyinvoke/invoke
pypa/build pypa/flit pypa/packaging pypa/twine pypa/virtualenv pypa/wheel pyparsing/pyparsing pytest-dev/pluggy
pytest-dev/pytest-asyncio pytest-dev/pytest-mock python-attrs/attrs python-attrs/cattrs python-babel/babel
python-humanize/humanize python-hyper/h11 python-hyper/h2 python-jsonschema/jsonschema python-pendulum/pendulum
python-poetry/cleo python-poetry/poetry-core python-poetry/tomlkit python-trio/trio python-websockets/websockets
python/importlib_metadata pytoolz/toolz redis/redis-py rq/rq scrapy/itemloaders scrapy/parsel scrapy/w3lib
simonw/sqlite-utils simplejson/simplejson sloria/environs spulec/freezegun sqlalchemy/alembic
strands-agents/sdk-python strands-agents/tools theskumar/python-dotenv tkem/cachetools tobgu/pyrsistent
tox-dev/platformdirs tox-dev/tox urllib3/urllib3 wireservice/agate
""".split()
# One owner's repositories are siblings; so are those of owners with the same maintainers.
SAME_FAMILY = {
    "tox-dev": "pypa", "python-attrs": "hynek", "pallets-eco": "pallets", "sloria": "marshmallow-code", "python": "jaraco",
    "asottile": "pre-commit", "python-pendulum": "python-poetry",
}
# Repositories whose text the pretraining corpus holds under another name: as a distribution, or vendored in pip and poetry-core.
PRETRAINED_AS = {"pallets/jinja": "jinja2", "psf/requests": "pip", "lark-parser/lark": "poetry-core"}
CUTOFF = "2025-04-01T00:00:00Z"
MIN_COMMITS = 60
SEED = 3407
CR_TEST, CR_VAL = 0.18, 0.12
LICENCES = {
    "Apache-2.0": r"Apache License,?\s+Version 2\.0",
    "MIT": r"Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD-3-Clause": r"Redistribution and use in source and binary forms(?s:.*)(Neither the names? |names? of (?s:.*)may not be used)",
    "BSD-2-Clause": r"Redistribution and use in source and binary forms",
}
OTHER = r"GNU (Lesser |Affero )?General Public|Mozilla Public|Eclipse Public|Commons Clause"


def git(folder, *args):
    command = ["git", "-c", "safe.directory=*", f"--git-dir={folder}", *args]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode("utf8", "replace")


def iso(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def licence_at(folder, commit):
    """SPDX expression of the licence files at the root, or None: alternatives in files of their own, else all apply."""
    files = [f for f in git(folder, "ls-tree", "--name-only", commit).splitlines() if re.match(r"(licen[cs]e|copying)", f, re.I)]
    found, together = set(), False
    for file in files:
        text = re.sub(r"\s+", " ", git(folder, "show", f"{commit}:{file}"))
        if re.search(OTHER, text):
            return None
        here = {spdx for spdx, pattern in LICENCES.items() if re.search(pattern, text)}
        if "BSD-3-Clause" in here:
            here.discard("BSD-2-Clause")
        found |= here
        together |= len(files) == 1 and len(here) > 1
    return (" AND " if together else " OR ").join(sorted(found)) or None


def has_tests(folder, commit):
    names = git(folder, "ls-tree", "-r", "--name-only", commit).splitlines()
    tests = [n for n in names if re.search(r"(^|/)(test_[^/]*|[^/]*_test)\.py$|(^|/)tests?/.*\.py$", n)]
    search = ["git", "-c", "safe.directory=*", f"--git-dir={folder}", "grep", "-qE", "pytest|unittest", commit, "--",
              "*.py", "*.toml", "*.cfg", "*.ini", "*.txt", "Pipfile"]
    return bool(tests) and subprocess.run(search, capture_output=True).returncode == 0


def entry(name, mirror):
    """The pin of one repository without its split, or the reason why it is none."""
    folder = os.path.join(mirror, f"{name}.git")
    if not os.path.isdir(folder):
        return "not in the mirror"
    began = iso(min(int(t) for t in git(folder, "log", "--max-parents=0", "--format=%ct", "HEAD").split()))
    commits = []
    for line in git(folder, "log", "--first-parent", "--reverse", "--format=%H %ct", "HEAD").splitlines():
        commit, time = line.split()
        if began < CUTOFF <= iso(int(time)):
            break
        commits.append(commit)
    if len(commits) < MIN_COMMITS:
        return f"{len(commits)} commits"
    licence = licence_at(folder, commits[-1])
    if not licence:
        return "licence"
    if not has_tests(folder, commits[-1]):
        return "no tests"
    return {"id": name, "url": f"https://github.com/{name}", "commit": commits[-1], "firstCommit": began,
            "commits": len(commits), "licence": licence}


def family(name):
    owner = name.split("/")[0]
    return SAME_FAMILY.get(owner, owner)


def split(names, pretrained):
    """Whole families in seeded order fill the test set, then the validation set; the others train."""
    groups = defaultdict(list)
    for name in sorted(names):
        groups[family(name)].append(name)
    order = sorted(groups)
    random.Random(SEED).shuffle(order)
    room = {"cr_test": round(CR_TEST * len(names)), "cr_val": round(CR_VAL * len(names)), "train": len(names)}
    result = {}
    for key in order:
        seen = any(PRETRAINED_AS.get(n, normal(n.split("/")[1])) in pretrained for n in groups[key])
        part = "train" if seen else next(p for p in room if room[p] >= len(groups[key]))
        room[part] -= len(groups[key])
        result.update(dict.fromkeys(groups[key], part))
    return result


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    mirror = sys.argv[1] if len(sys.argv) > 1 else os.path.join(root, "data", "cache", "mirror")
    with open(os.path.join(root, "data", "corpora", "pretrain.json"), encoding="utf8") as stream:
        pretrained = {p["name"] for p in json.load(stream)["projects"]}
    pins = []
    for name in NAMES:
        pin = entry(name, mirror)
        if isinstance(pin, str):
            print(f"refused, {pin}: {name}")
        else:
            pins.append(pin)
    before = [p["id"] for p in pins if p["firstCommit"] < CUTOFF]
    parts = split(before, pretrained)
    for pin in pins:
        pin["split"] = parts.get(pin["id"], "ood_test")
    write_json(os.path.join(root, "data", "corpora", "mini-git.json"), {
        "name": "mini-git",
        "description": "Public git repositories with tests and at least 60 first-parent commits. Split by repository, "
                       "seed 3407; a family stays inside one split. Those that began after the cut-off are ood_test.",
        "cutoff": CUTOFF[:10],
        "repositories": sorted(pins, key=lambda p: p["id"].lower()),
    })
    for part, count in Counter(p["split"] for p in pins).items():
        print(f"{part}: {count} repositories, {sum(p['commits'] for p in pins if p['split'] == part)} commits")
    print(dict(Counter(p["licence"] for p in pins)))


if __name__ == "__main__":
    main()
