"""What Python itself says of the texts that contexts are made of. One question as JSON on standard input, one answer out.

{"definitions": [text, ...]}        -> for each: [[name, source with decorators], ...] of the top level, or null
{"modules": [name, ...]}            -> the sources of modules of the standard library
{"compressed": [[before, after]]}   -> for each pair of definitions: null, or what the second one lost that it must keep
{"imports": {folder, roots, file, prefix, uses}}
    -> for each used expression: [path of the file that defines it, its name], after running the prefix's imports
"""
import ast
import importlib
import importlib.util
import inspect
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")


def source_of(lines, node):
    first = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])
    return "\n".join(lines[first - 1:node.end_lineno])


def definitions(text):
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    lines = text.split("\n")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [[n.name, source_of(lines, n)] for n in tree.body if isinstance(n, kinds)]


def module_source(name):
    with open(importlib.util.find_spec(name).origin, encoding="utf-8") as file:
        return file.read()


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CONSTRUCTORS = {"__init__", "__new__", "__post_init__"}


def header(node):
    """All of a definition but its body."""
    fields = {k: v for k, v in ast.iter_fields(node) if k != "body"}
    return type(node).__name__, {k: [ast.dump(x) for x in v] if isinstance(v, list) else ast.dump(v) if isinstance(v, ast.AST) else v
                                 for k, v in fields.items()}


def elided(body):
    return len(body) == 1 and is_dots(body[0])


def is_dots(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def first_doc_line(node):
    doc = ast.get_docstring(node, clean=True)
    return doc.strip().split("\n")[0].strip() if doc and doc.strip() else None


def lines_of(node):
    first = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])
    return node.end_lineno - first + 1


def faults(before, after, member=False):
    if header(before) != header(after):
        return f"header of {before.name}"
    if isinstance(before, ast.ClassDef):
        kept = [n for n in before.body if isinstance(n, FUNCTIONS + (ast.ClassDef, ast.Assign, ast.AnnAssign, ast.AugAssign))]
        shown = [n for n in after.body if not is_dots(n)]
        if len(kept) != len(shown):
            return f"{before.name} has {len(kept)} members, shown {len(shown)}"
        for old, new in zip(kept, shown):
            if isinstance(old, FUNCTIONS + (ast.ClassDef,)):
                fault = faults(old, new, True)
            elif ast.dump(old) == ast.dump(new):
                fault = None
            elif lines_of(old) <= 5:
                fault = f"attribute on line {old.lineno}"
            else:
                value = new.value
                fault = None if isinstance(value, ast.Constant) and value.value is ... else f"value on line {old.lineno}"
            if fault:
                return fault
        return None
    if before.name in CONSTRUCTORS if member else lines_of(before) <= 5:
        return None if ast.dump(before) == ast.dump(after) else f"body of {before.name}"
    if not member:
        return None if elided(after.body) else f"{before.name} keeps its body"
    line = first_doc_line(before)
    if line is None:
        return None if elided(after.body) else f"{before.name} keeps its body"
    # A backslash or quote at the line's end may have cost a space.
    if (first_doc_line(after) or "").rstrip("\\ ") != line.rstrip("\\ ") or not is_dots(after.body[-1]) or len(after.body) != 2:
        return f"docstring of {before.name}: {line!r}, shown {first_doc_line(after)!r}"
    return None


def compressed(pair):
    try:
        (after,) = ast.parse(pair[1]).body
    except SyntaxError as error:
        return f"{error}: {pair[1]}"
    (before,) = ast.parse(pair[0]).body
    return faults(before, after)


def imports(folder, roots, file, prefix, uses):
    sys.path[:0] = [os.path.join(folder, root) for root in roots]
    package = os.path.dirname(file).replace("/", ".")
    if package and os.path.exists(os.path.join(folder, os.path.dirname(file), "__init__.py")):
        importlib.import_module(package)
    scope = {"__name__": f"{package}.it", "__package__": package}
    exec(compile(prefix, file, "exec"), scope)
    found = []
    for use in uses:
        value = eval(use, scope)
        path = value.__file__ if inspect.ismodule(value) else sys.modules[value.__module__].__file__
        found.append([os.path.relpath(path, folder).replace(os.sep, "/"), value.__name__])
    return found


question = json.load(sys.stdin)
if "definitions" in question:
    answer = [definitions(text) for text in question["definitions"]]
elif "modules" in question:
    answer = [module_source(name) for name in question["modules"]]
elif "compressed" in question:
    answer = [compressed(pair) for pair in question["compressed"]]
else:
    answer = imports(**question["imports"])
json.dump(answer, sys.stdout)
