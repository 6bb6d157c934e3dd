"""Which assertions does each commit add or change? Python's `ast` and the git command line, to compare with lib's replay.

Usage: evolution_oracle.py GIT_DIR HEAD [CUTOFF]. Writes one JSON line a commit with new assertions:
[commit, [[path, byteStart, byteEnd], ...]]. An assertion is its test function and its own text; of equal ones in one
function the n-th is the n-th. The first-parent history up to HEAD is read, before CUTOFF (seconds since 1970).
"""
import ast
import json
import re
import subprocess
import sys
import tokenize
from collections import Counter

from oracle import File, families

SKIPPED = set(""".git __pycache__ node_modules .tox .eggs .mypy_cache .pytest_cache venv .venv env .nox .hg .svn site-packages""".split())
CONTENT = re.compile(
    r"\b(?:pytest|unittest)\.|^[ \t]*(?:from|import)[ \t]+(?:[\w.]+[ \t]*,[ \t]*)*(?:pytest|unittest)\b"
    r"|^[ \t]*(?:async[ \t]+)?def[ \t]+test_|^[ \t]*class[ \t]+\w*[tT][eE][sS][tT]", re.M)


def git(*arguments):
    command = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", "-c", "diff.renameLimit=1000", "--git-dir=" + sys.argv[1]]
    return subprocess.run([*command, *arguments], check=True, capture_output=True).stdout


def functions(file):
    """The name, with its classes, of the innermost test function around each node in its body."""
    found = {}

    def walk(node, names, test):
        found[id(node)] = test
        for field, value in ast.iter_fields(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and field == "body"
                    walk_child(child, names, ".".join(names) if inside and node.name.startswith("test") else test)

    def walk_child(node, names, test):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [*names, node.name]
        walk(node, names, test)

    walk(file.tree, [], None)
    return found


def assertions(data):
    """{key: (start, end)} of a file's assertions, or None when Python cannot read it."""
    try:
        file = File(data)
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError):
        return None
    body = data[file.bom:]
    inside = functions(file)
    items = []
    for family, (start, end), node in families(file, plain=True):
        test = inside[id(node)]
        target = re.sub(r"\s*\\?\n\s*", " ", body[start:end].decode("utf-8"))
        if test is None or len(target) > 500 or re.fullmatch(r"[)\]},\s]+", target):
            continue
        if any(start <= comment < end for comment in file.comments):
            continue
        place = file.starts[node.lineno - 1] + node.col_offset, file.starts[node.end_lineno - 1] + node.end_col_offset
        text = " ".join(body[place[0]:place[1]].decode("utf-8").split())
        items.append((place[0], -place[1], test, text, start + file.bom, end + file.bom))
    seen, keys = Counter(), {}
    for _, _, test, text, start, end in sorted(items):
        keys[test, text, seen[test, text]] = start, end
        seen[test, text] += 1
    return keys


def main():
    head, cutoff = sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else float("inf")
    states = {}
    history = git("log", "--first-parent", "--reverse", "--format=%H %ct %P", head).decode().split("\n")
    for line in filter(None, history):
        commit, time, *parents = line.split()
        if int(time) >= cutoff:
            break
        pair = parents[:1] + [commit] if parents else ["--root", commit]
        changed = git("diff-tree", "-r", "-M", "-z", "--name-status", "--no-commit-id", *pair).decode("utf-8", "replace").split("\0")[:-1]
        moves, at = [], 0
        while at < len(changed):
            count = 2 if changed[at].startswith("R") else 1
            moves.append((changed[at][0], changed[at + 1], changed[at + count]))
            at += 1 + count
        before = {new: states[old] for kind, old, new in moves if kind != "D" and old in states}
        for _, old, _ in moves:
            states.pop(old, None)
        fresh = []
        for kind, _, path in moves:
            if kind == "D" or not path.endswith(".py") or SKIPPED & set(path.split("/")[:-1]):
                continue
            mode, _, blob = git("ls-tree", commit, "--", ":(literal)" + path).split(None, 3)[:3]
            if not mode.startswith(b"100"):
                continue
            data = git("cat-file", "blob", blob.decode())
            text = data.decode("latin-1")
            if len(data) > 2_000_000 or not ("test" in path.lower() or CONTENT.search(text)):
                continue
            try:
                data.decode("utf-8")
            except UnicodeDecodeError:
                if path in before:
                    states[path] = before[path]
                continue
            keys = assertions(data)
            if keys is None:
                print(f"unreadable {commit} {path}", file=sys.stderr)
                states[path] = {}
                continue
            states[path] = keys
            fresh += [[path, *keys[key]] for key in keys if key not in before.get(path, {})]
        if fresh:
            print(json.dumps([commit, sorted(fresh)]))


main()
