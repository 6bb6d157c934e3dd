"""How fast histories are replayed: commits a second and core, and memory, on five real repositories.

Usage: npm run bench -- curation [--mirror DIR]. Repositories come from data/corpora/mini-git.json: from the mirror folder
(`owner/name.git`), or cloned into the cache. Cores are counted by processor time, git's included. Bars: 60 commits a
second and core, 1 GB.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

REPOSITORIES = ["encode/httpx", "pallets/click", "pallets/flask", "python-attrs/attrs", "psf/requests"]
MIN_RATE, MAX_MEMORY = 60, 1e9
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def measure(command):
    """(seconds, processor seconds, largest resident bytes of a process, output)"""
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        output.seek(0)
        text = output.read()
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(text)
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text


def main():
    with open(os.path.join(ROOT, "data", "corpora", "mini-git.json")) as file:
        corpus = json.load(file)
    pins = {pin["id"]: pin for pin in corpus["repositories"]}
    ok = True
    print(f"{'repository':22}{'commits':>8}{'tasks':>7}{'s':>7}{'cpu s':>7}{'commits/s/core':>16}{'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name in REPOSITORIES:
            one = os.path.join(folder, "corpus.json")
            with open(one, "w") as file:
                json.dump({**corpus, "repositories": [pins[name]]}, file)
            command = ["node", os.path.join(ROOT, "lib", "bin", "code2lora.js"), "curate", "--source", "git", "--track", "evolution",
                       "--corpus", one, "--out", os.path.join(folder, "out"), *sys.argv[1:]]
            seconds, cpu, memory, text = measure(command)
            tasks, commits = re.search(r"(\d+) tasks of .* from (\d+) commits", text).groups()
            rate = int(commits) / cpu
            ok &= rate >= MIN_RATE and memory < MAX_MEMORY
            print(f"{name:22}{commits:>8}{tasks:>7}{seconds:7.1f}{cpu:7.1f}{rate:16.0f}{memory / 1e6:6.0f}")
    print("within the bars" if ok else "BELOW THE BARS")
    sys.exit(not ok)


main()
