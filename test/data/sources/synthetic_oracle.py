"""Runs the tests of synthetic packages with Python itself.

Reads lines "<package folder> <tests folder>" from standard input; writes one JSON line each: {test name: outcome}, where
the outcome is "passed" or the name of the exception. pytest need not be installed: a test file gets a stand-in that
knows `raises` only.
"""
import importlib.util
import json
import pathlib
import sys
import types
import unittest


class raises:
    def __init__(self, expected):
        self.expected = expected

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            raise AssertionError("nothing was raised")
        return issubclass(kind, self.expected)


def outcome(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "passed"


def run(package, tests):
    for name in [name for name in sys.modules if name.split(".")[0] == "app"]:
        del sys.modules[name]
    sys.path[0] = package
    importlib.invalidate_caches()
    outcomes = {}
    for path in sorted(pathlib.Path(tests).glob("tests/test_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, value in list(vars(module).items()):
            if name.startswith("test_"):
                outcomes[name] = outcome(value)
            elif isinstance(value, type) and issubclass(value, unittest.TestCase):
                for test in unittest.defaultTestLoader.getTestCaseNames(value):
                    outcomes[test] = outcome(getattr(value(test), test))
    assert sys.modules["app"].__file__.startswith(package)
    return outcomes


sys.dont_write_bytecode = True
sys.modules["pytest"] = types.SimpleNamespace(raises=raises)
sys.path.insert(0, "")
for line in sys.stdin.read().splitlines():
    print(json.dumps(run(*line.split())))
