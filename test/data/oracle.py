"""An independent extractor of assertion targets, on Python's own `ast` and `tokenize`, to compare with the one in lib.

Reads paths, one a line, from standard input; writes one JSON line a path: [[family, byteStart, byteEnd], ...] in order
of position, or null when Python cannot parse the file. Offsets count UTF-8 bytes of the file.
"""
import ast
import io
import json
import re
import sys
import tokenize
import warnings

UNITTEST = """assertEqual assertNotEqual assertTrue assertFalse assertIs assertIsNot assertIsNone assertIsNotNone assertIn
assertNotIn assertIsInstance assertNotIsInstance assertRaises assertRaisesRegex assertWarns assertWarnsRegex
assertAlmostEqual assertNotAlmostEqual assertGreater assertGreaterEqual assertLess assertLessEqual assertRegex
assertNotRegex assertCountEqual assertSequenceEqual assertListEqual assertTupleEqual assertSetEqual
assertDictEqual""".split()
ONE_ARGUMENT = {"assertTrue", "assertFalse", "assertIsNone", "assertIsNotNone", "assertRaises"}


class File:
    def __init__(self, data):
        self.bom = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        # A lone \r ends a line; as \n it takes the same place.
        data = re.sub(rb"\r(?!\n)", b"\n", data[self.bom:])
        data.decode("utf-8")
        self.tree = ast.parse(data)
        self.starts = [0]
        for match in re.finditer(rb"\n", data):
            self.starts.append(match.end())
        self.opens = {}  # offset of ")" -> offset of its "("
        self.before = {}  # start of a token -> (text, start) of the one before
        self.after = {}  # end of a token -> (text, end) of the one after
        self.comments = []
        self._tokens(data)

    def _tokens(self, data):
        stack, last = [], None
        skip = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            if token.type in skip:
                continue
            start, end = (self._of_chars(data, place) for place in (token.start, token.end))
            if token.type == tokenize.COMMENT:
                self.comments.append(start)
                continue
            if last:
                self.before[start] = last[0], last[1]
                self.after[last[2]] = token.string, end
            last = token.string, start, end
            if token.type == tokenize.OP and token.string in "([{":
                stack.append(start)
            elif token.type == tokenize.OP and token.string in ")]}":
                self.opens[start] = stack.pop()

    def _of_chars(self, data, place):
        row, column = place
        start = self.starts[row - 1]
        end = self.starts[row] if row < len(self.starts) else len(data)
        return start + len(data[start:end].decode("utf-8")[:column].encode("utf-8"))

    def span(self, node, outer=-1):
        """Where a node is, with the parentheses around it that open behind `outer`."""
        start = self.starts[node.lineno - 1] + node.col_offset
        end = self.starts[node.end_lineno - 1] + node.end_col_offset
        while True:
            before, after = self.before.get(start), self.after.get(end)
            if not (before and after and before[0] == "(" and after[0] == ")" and before[1] > outer):
                return start, end
            start, end = before[1], after[1]

    def call_target(self, call, first, last, extra=()):
        """From argument `first` to the closing parenthesis, or None when something stands behind `last`."""
        close = self.starts[call.end_lineno - 1] + call.end_col_offset - 1
        outer = self.opens[close]
        place = lambda node: self.span(node.value if isinstance(node, ast.keyword) else node, outer)
        end = max([place(last)[1], *(place(node)[1] for node in extra)])
        if any(place(node)[0] >= end for node in [*call.args, *call.keywords]):
            return None
        return place(first)[0], close + 1


def families(file, plain=False):
    """(family, span of the target, node) of every assertion with a target; `plain` counts asserts without a comparison."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare):
            yield "assert", file.span(node.test.comparators[0]), node
        elif isinstance(node, ast.Assert) and plain:
            yield "assert", file.span(node.test), node
        if not isinstance(node, ast.Call):
            continue
        args = node.args
        if len(args) == 1 and isinstance(args[0], ast.GeneratorExp) and ends_together(args[0], node):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        base = function.value if isinstance(function, ast.Attribute) else None
        base_name = base.id if isinstance(base, ast.Name) else None
        if base_name == "self" and name in UNITTEST:
            family = "unittest"
            if name in ONE_ARGUMENT:
                target = args and file.call_target(node, args[0], args[0])
            elif name == "assertRaisesRegex":
                target = args and file.call_target(node, args[0], args[min(1, len(args) - 1)])
            else:
                target = len(args) >= 2 and file.call_target(node, args[-1], args[-1])
        elif base_name == "pytest" and name in ("raises", "approx"):
            family = "pytest." + name
            target = len(args) == 1 and file.call_target(node, args[0], args[0], node.keywords)
        elif base_name == "pytest" or (
            name.startswith("assert_") and name != "assert_" and getattr(base, "attr", None) != "mock"
        ):
            family = "numpy"
            target = args and file.call_target(node, args[-1], args[-1])
        else:
            continue
        if target:
            yield family, target, node


def ends_together(one, other):
    return (one.end_lineno, one.end_col_offset) == (other.end_lineno, other.end_col_offset)


def extract(path):
    with open(path, "rb") as handle:
        data = handle.read()
    try:
        file = File(data)
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError):
        return None
    found = set()
    for family, (start, end), _ in families(file):
        if not any(start <= comment < end for comment in file.comments):
            found.add((start + file.bom, end + file.bom, family))
    return [[family, start, end] for start, end, family in sorted(found)]


warnings.simplefilter("ignore")
if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(extract(line.rstrip("\n"))), flush=True)
