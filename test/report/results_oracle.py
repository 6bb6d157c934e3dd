"""What exported tables say beside what the stored predictions say, as JSON: `results_oracle.py <runs> <tables>`.

Every pair is [where, number in the CSV, number computed here, tolerance]. Means are computed from the parquet files by
pyarrow and numpy; bounds by a bootstrap of our own, whose draws differ, so they agree less closely.
"""
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

runs, tables = map(Path, sys.argv[1:3])
SCORES = {"strict_EM": "strict_em", "relaxed_EM": "relaxed_em", "edit_similarity": "edit_similarity", "codebleu": "codebleu"}
EXACT, DRAWN = 1e-6, 0.02
KINDS = {"False": "literal", "value": "type", "f(": "syntax", "": "empty"}  # target: True
LITERAL = ("True", "True, 1")
pairs = []

predictions = [row for path in sorted(runs.glob("*/predictions.parquet")) for row in pq.read_table(path).to_pylist()]
records = [json.loads(path.read_text()) for path in sorted(runs.glob("*/run.json"))]


def select(**wanted):
    return [p for p in predictions if all(p[key] == value for key, value in wanted.items())]


def read(name):
    with open(tables / f"{name}.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert all(len(row) == len(rows[0]) for row in rows), f"{name}.csv is ragged"
    assert len(set(rows[0])) == len(rows[0]), f"{name}.csv has two columns of one name"
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def compare(where, text, expected, tolerance=EXACT):
    pairs.append([where, None if text == "" else float(text), None if expected is None else float(expected), tolerance])


def bounds(scores):
    """2.5% and 97.5% of the mean over resampled repositories and resampled seeds; scores are (repo, seed, value)."""
    repos, seeds = sorted({s[0] for s in scores}), sorted({s[1] for s in scores})
    sums, counts = np.zeros((len(repos), len(seeds))), np.zeros((len(repos), len(seeds)))
    for repo, seed, value in scores:
        sums[repos.index(repo), seeds.index(seed)] += value
        counts[repos.index(repo), seeds.index(seed)] += 1
    random = np.random.default_rng(5)
    means = []
    for _ in range(4000):
        at = np.ix_(random.integers(len(repos), size=len(repos)), random.integers(len(seeds), size=len(seeds)))
        means.append(sums[at].sum() / counts[at].sum())
    return np.quantile(means, [0.025, 0.975])


def scores(name, block, **fixed):
    for row in read(name):
        found = select(method=row["method"], adapter=row["adapter"], **fixed)
        where = f"{name}/{row['method']}/{row['adapter']}/{block}"
        for column, score in SCORES.items():
            compare(f"{where}/{column}", row[f"{block}_{column}"], np.mean([p[score] for p in found]) if found else None)
        compare(f"{where}/tasks", row[f"{block}_tasks"], len({p["task_id"] for p in found}) or None)
        compare(f"{where}/repositories", row[f"{block}_repositories"], len({p["repo_id"] for p in found}) or None)
        if found:
            low, high = bounds([(p["repo_id"], p["seed"], p["strict_em"]) for p in found])
            compare(f"{where}/low", row[f"{block}_strict_EM_low"], low, DRAWN)
            compare(f"{where}/high", row[f"{block}_strict_EM_high"], high, DRAWN)


for suite in ("CR", "IR"):
    scores("table2-static", suite, track="static", suite=suite)
    scores("table3-evolution", suite, track="evolution", suite=suite)
scores("table4-ood", "evolution", track="evolution", suite="OOD")

for row in read("own-vs-other"):
    for suite in ("CR", "IR", "OOD"):
        mine = {(p["task_id"], p["seed"]): p for p in select(track=row["track"], method=row["method"], adapter="own", suite=suite)}
        this = select(track=row["track"], method=row["method"], adapter=row["adapter"], suite=suite)
        where = f"own-vs-other/{row['track']}/{row['method']}/{row['adapter']}/{suite}"
        compare(f"{where}/EM", row[f"{suite}_strict_EM"], np.mean([p["strict_em"] for p in this]) if this else None)
        if row["adapter"] == "own" or not this:
            compare(where, row[f"{suite}_own_minus_this"], None)
            continue
        gains = [(p["repo_id"], p["seed"], int(mine[p["task_id"], p["seed"]]["strict_em"]) - int(p["strict_em"])) for p in this]
        compare(where, row[f"{suite}_own_minus_this"], np.mean([gain[2] for gain in gains]))
        low, high = bounds(gains)
        compare(f"{where}/low", row[f"{suite}_own_minus_this_low"], low, DRAWN)
        compare(f"{where}/high", row[f"{suite}_own_minus_this_high"], high, DRAWN)


def repositories(score, **wanted):
    values = defaultdict(list)
    for p in select(**wanted):
        values[p["repo_id"]].append(p[score])
    return {repo: np.mean(list_) for repo, list_ in values.items()}


for row in read("per-repository"):
    at = {"track": row["track"], "suite": row["suite"]}
    where = "per-repository/" + "/".join([*at.values(), row["method"], row["adapter"]])
    for column, score in {"strictEM": "strict_em", "relaxedEM": "relaxed_em"}.items():
        mine, base = repositories(score, method=row["method"], adapter=row["adapter"], **at), repositories(score, method="pretrained", **at)
        compare(f"{where}/repositories", row["repositories"], len(mine))
        compare(f"{where}/{column}/median", row[f"{column}_median"], np.median(list(mine.values())))
        compare(f"{where}/{column}/sigma", row[f"{column}_sigma"], np.std(list(mine.values())))
        below = None if row["method"] == "pretrained" else np.mean([mine[repo] < base[repo] for repo in mine])
        compare(f"{where}/{column}/below", row[f"{column}_share_below_pretrained"], below)

for row in read("errors"):
    if row["method"] == "paper":
        continue
    answers = select(track=row["track"], suite=row["suite"], method=row["method"], adapter=row["adapter"])
    wrong = [p["prediction"] for p in answers if p["prediction"] not in LITERAL]
    where = f"errors/{row['track']}/{row['suite']}/{row['method']}/{row['adapter']}"
    compare(f"{where}/answers", row["answers"], len(answers))
    compare(f"{where}/errors", row["errors"], len(wrong))
    for kind in ("empty", "hallucination", "near-miss", "syntax", "identifier", "literal", "type"):
        count = sum(KINDS[text] == kind for text in wrong)
        compare(f"{where}/{kind}", row[kind], count)
        compare(f"{where}/{kind}/share", row[f"{kind}_share"], count / len(wrong))

for row in read("efficiency"):
    of = [r for r in records if r["track"] == row["track"] and r["method"] == row["method"]]
    where = f"efficiency/{row['track']}/{row['method']}"
    compare(f"{where}/parameters", row["trained_parameters"], np.mean([r["trainedParameters"] for r in of]))
    compare(f"{where}/bytes", row["trained_bytes"], np.mean([4 * r["trainedParameters"] for r in of]))
    compare(f"{where}/seconds", row["training_seconds"], np.median([r["trainSeconds"] for r in of]))
    compare(f"{where}/answer", row["seconds_per_answer"], np.median([r["evaluateSeconds"] / r["predictions"] for r in of]))

print(json.dumps(pairs))
