"""Whether the tests can fail: lines broken at random in a copy, one at a time, and the tests of their room run.

python tests/benchmarks/mutants.py [--mutants 100] [--seed 0] [--only telme_model/runs] [--side-by-side 2]

A mutant turns a condition, swaps a comparison or an arithmetic sign, leaves out a call, gives back nothing, or is off
by one. Layout is left alone: a margin of nine pixels is no fault. Prints a table of those that nobody noticed.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parents[2]
PATIENCE = 400  # seconds; a mutant that hangs is noticed
COPIED = ("telme_gui", "telme_model", "tests", "resources", "main.py", "pyproject.toml")
# The demo's pictures and voices are judged by eye and ear.
LEFT_OUT = ("telme_model/demo/", "telme_gui/look/icons", "__init__.py")
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# Calls that place, size and colour, or make what is placed.
LAYOUT = (
    *("setContentsMargins", "setSpacing", "addStretch", "addSpacing", "setFixed", "setMinimum", "setMaximum", "resize"),
    *("setStretch", "setAlignment", "setSizePolicy", "setColumnWidth", "setPen", "setBrush", "setFont", "setWordWrap"),
    *("setRenderHint", "setObjectName", "setProperty", "setTextFormat", "setZValue", "setOpacity", "setAccessible"),
    *("setToolTip", "setMouse", "hideButtons", "setMenuEnabled", "update", "move", "draw", "write", "debug", "info"),
    *("QRect", "QPoint", "QSize", "QColor", "QFont", "QPen", "dataclass", "adjusted", "mkPen", "mkBrush", "sizeHint"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line broken: the text of its file with it, and how it is told."""

    file: Path  # from the root
    line: int
    what: str
    text: str


def mutants(file: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    source = (ROOT / file).read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    for node in _nodes(tree):
        for what, old, new in _changes(node, source):
            start, end = (old.lineno, old.col_offset), (old.end_lineno or 0, old.end_col_offset or 0)
            yield Mutant(file, old.lineno, what, _spliced(lines, start, end, new))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """What is run, without layout and what only types are for."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Call) and _is_layout(child):
            continue
        if isinstance(child, ast.FunctionDef):
            if child.name not in ("sizeHint", "minimumSizeHint", "__repr__"):
                for statement in child.body:
                    yield statement
                    yield from _nodes(statement)
        elif isinstance(child, ast.AnnAssign):
            if child.value is not None:
                yield from _nodes(child.value)
        elif not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield child
            yield from _nodes(child)


def _is_layout(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name.startswith(LAYOUT)


Place = tuple[int, int]
Change = tuple[str, ast.expr | ast.stmt, str]  # what, in place of which node, the text


def _changes(node: ast.AST, source: str) -> Iterator[Change]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition turned", node.test, _turned(node.test, source)
    elif isinstance(node, ast.comprehension):
        yield from (("condition turned", test, _turned(test, source)) for test in node.ifs)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _is_layout(node.value):
        yield "call left out", node, "pass"
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield "nothing given back", node, "return None"
    elif isinstance(node, ast.Constant) and type(node.value) is int and node.value < 1000:
        yield "one more", node, str(node.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "turned", node, str(not node.value)
    else:
        yield from _operators(node)


def _operators(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        other = COMPARISONS[type(node.ops[0])]()
        yield "comparison", node, f"({ast.unparse(ast.Compare(node.left, [other], node.comparators))})"
    elif isinstance(node, ast.BoolOp):
        both = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and, or", node, f"({ast.unparse(ast.BoolOp(both, node.values))})"
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node):
        sign = ARITHMETIC[type(node.op)]()
        yield "arithmetic", node, f"({ast.unparse(ast.BinOp(node.left, sign, node.right))})"


def _turned(test: ast.expr, source: str) -> str:
    return f"(not ({ast.get_source_segment(source, test)}))"


def _is_text(node: ast.BinOp) -> bool:
    """Whether strings are put together, where no mutant could run."""
    return any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str | bytes))
        for part in (node.left, node.right)
    )


def _spliced(lines: list[str], start: Place, end: Place, text: str) -> str:
    """The file with a stretch of it replaced; columns count bytes."""
    first, last = lines[start[0] - 1].encode(), lines[end[0] - 1].encode()
    before = "".join(lines[: start[0] - 1]) + first[: start[1]].decode()
    return before + text + last[end[1] :].decode() + "".join(lines[end[0] :])


def chosen(number: int, seed: int, only: str) -> list[Mutant]:
    """As many mutants, of files chosen by their size; the same ones for the same seed and sources."""
    chance = random.Random(seed)
    files = [
        path.relative_to(ROOT)
        for package in ("telme_gui", "telme_model")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not any(part in path.as_posix() for part in LEFT_OUT)
    ]
    pool = [mutant for file in files if file.as_posix().startswith(only) for mutant in mutants(file)]
    return sorted(chance.sample(pool, min(number, len(pool))), key=lambda mutant: (mutant.file, mutant.line))


def tests_of(file: Path) -> list[str]:
    """The file's own test first, then those of its room."""
    room = Path("tests", *file.parts[:2]) if len(file.parts) > 2 else Path("tests", file.parts[0])
    named = sorted((ROOT / "tests" / file.parts[0]).rglob(f"test_{file.stem}.py"))
    own = [path.relative_to(ROOT) for path in named if path.is_relative_to(ROOT / room)]
    if len(file.parts) == 2:  # at the root of its package
        return [str(path) for path in own] or [str(room)]
    return [*(str(path) for path in own), str(room)]


def noticed(mutant: Mutant, copy: Path) -> str:
    """Which test noticed it; "" where none did."""
    path = copy / mutant.file
    path.write_text(mutant.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            [*command, *tests_of(mutant.file)],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(copy / "tmp")},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    finally:
        path.write_text((ROOT / mutant.file).read_text(encoding="utf-8"), encoding="utf-8")
        shutil.rmtree(copy / "tmp")
        (copy / "tmp").mkdir()
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return lines[0] if lines else f"exit code {done.returncode}"


def main() -> int:
    """Break, test, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", metavar="PATH", help="files whose path begins so")
    parser.add_argument("--side-by-side", type=int, default=max((os.cpu_count() or 2) - 1, 1))
    options = parser.parse_args()
    copies: Queue[Path] = Queue()
    missed: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        for number in range(options.side_by_side):
            copy = Path(scratch) / str(number)
            for name in COPIED:
                (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, _parent(copy / name))
            (copy / "tmp").mkdir()
            copies.put(copy)

        def look(mutant: Mutant) -> tuple[Mutant, str, float]:
            copy, began = copies.get(), time.monotonic()
            try:
                return mutant, noticed(mutant, copy), time.monotonic() - began
            finally:
                copies.put(copy)

        picked = chosen(options.mutants, options.seed, options.only)
        with ThreadPoolExecutor(options.side_by_side) as pool:
            for mutant, by, seconds in pool.map(look, picked):
                print(
                    f"{by or 'UNNOTICED':60.60} {seconds:4.0f} s  {mutant.file}:{mutant.line}  {mutant.what}",
                    flush=True,
                )
                missed += [] if by else [mutant]
    print(f"\n{len(picked) - len(missed)} of {len(picked)} noticed (seed {options.seed})")
    for mutant in missed:
        before = (ROOT / mutant.file).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
        print(f"  {mutant.file}:{mutant.line}  {mutant.what}\n    {before}\n    {_line(mutant)}")
    return 0


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _line(mutant: Mutant) -> str:
    return mutant.text.splitlines()[mutant.line - 1].strip()


if __name__ == "__main__":
    raise SystemExit(main())
