"""Whether the tests can fail: lines broken at random in a copy, one at a time, and the tests of their room run.

python -m pytest --numprocesses logical --cov --cov-context=test --cov-report=
python tests/benchmarks/mutants.py [--mutants 100] [--seed 0] [--only telme_model/runs] [--side-by-side 2]

A mutant turns a condition, swaps a comparison or an arithmetic sign, leaves out a call, gives back nothing, or is off
by one; a bound is moved where it is a count, and turned round elsewhere: no test meets seconds or pixels exactly.
It is noticed where a test fails that passes without it, or says nothing for SILENCE seconds: an endless loop. Where
the first command has told which tests run a line (.coverage), MOST of these run, the file's own first, then the slow
ones of its room. Other lines, as what Qt runs on threads of its own, have the file's own tests, those that import it,
its room's, and those of ELSEWHERE that cover it. The order of the mutants is random, so that a run that is cut short
(--minutes) still tells of a fair sample.

Left out, as no test should pin it: what is placed, sized, coloured and painted (LAYOUT, PAINTING), tooltips and
accessible names, what is logged for a developer; tuned numbers of the window (its modules' constants) and any number
above ten, which are sizes and times; types; falsy values in place of None; the demo's pictures and voices.
"""

import argparse
import ast
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import Queue

import pytest
from coverage import CoverageData

ROOT = Path(__file__).parents[2]
MOST = 60  # tests that run a line
NEAR = 4  # test files that import the broken one, and run before its room
SILENCE = 90  # seconds in which no test begins or ends: it hangs
PATIENCE = 1200  # seconds for a test that hung, without the mutant
# What takes long to import and is nobody's mutant: once, in the process that all others are forked from.
PRELOADED = [
    "numpy",
    "torch",
    "transformers",
    "safetensors.torch",
    "PySide6.QtWidgets",
    "pyqtgraph",
    "av",
    "scipy.stats",
]
COPIED = ("telme_gui", "telme_model", "tests", "resources", "main.py", "pyproject.toml")
# The demo's pictures and voices are judged by eye and ear.
LEFT_OUT = ("telme_model/demo/", "telme_gui/look/icons", "__init__.py")
IMPORTED = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"  # PRELOADED imports a plugin of pytest's
SMALL = 10
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
ROUND: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# Calls that place, size and colour, or make what is placed; these and whatever begins so.
LAYOUT = (
    *("setContentsMargins", "setSpacing", "addStretch", "addSpacing", "setFixed", "setMinimum", "setMaximum", "mkPen"),
    *(
        "setStretch",
        "setColumnStretch",
        "setRowStretch",
        "setAlignment",
        "setSizePolicy",
        "setColumnWidth",
        "setPen",
        "setBrush",
        "setFont",
        "setWordWrap",
    ),
    *("setRenderHint", "setObjectName", "setProperty", "setTextFormat", "setZValue", "setOpacity", "setAccessible"),
    *("setToolTip", "setMouse", "hideButtons", "setMenuEnabled", "QRect", "QPoint", "QSize", "QColor", "QFont", "QPen"),
    *(
        "setTextAlignment",
        "setFrameShape",
        "setShowGrid",
        "setHighlightSections",
        "setSectionResizeMode",
        "setIconSize",
    ),
    *("setDefaultSectionSize", "setElideMode", "setPlaceholderText", "setCursor", "dataclass", "adjusted", "mkBrush"),
    *(
        "resizeDocks",
        "sizeHint",
        "setColor",
        "setWindowTitle",
        "addSeparator",
        "draw",
        "fillRect",
        "fillPath",
        "unpolish",
        "polish",
    ),
)
ONLY_SO = ("resize", "update", "move", "debug", "info", "adjustSize", "updateGeometry")  # on a widget or a logger
PAINTING = re.compile(r"(_?(paint|draw|arrange)(_\w+)?|paintEvent|drawBackground|sizeHint|minimumSizeHint|__repr__)")
# Tests that cover what has no test of its own room, or more of it.
ELSEWHERE = {
    "telme_gui/session": ("telme_gui/annotating/test_annotating.py", "telme_gui/window/test_main_window.py"),
    "telme_gui/look": (
        "telme_gui/window/test_shortcuts.py",
        "telme_gui/browse",
        "telme_gui/timeline",
        "telme_gui/window",
    ),
    "telme_gui/system": ("telme_gui/test_app.py",),
    "telme_gui/opening": ("telme_gui/window",),
    "telme_gui/window": ("telme_gui/test_app.py",),
    "telme_gui/app.py": ("telme_gui/test_app.py",),
    "telme_gui/commands.py": ("telme_gui/test_app.py",),
    "telme_model/runs": ("telme_model/training/test_pipeline.py", "telme_model/commands"),
    "telme_model/errors.py": ("telme_model/commands",),
    "telme_model/files.py": ("telme_model/runs",),
    "telme_model/paths.py": ("telme_model/commands",),
    "telme_model/bundled.py": ("telme_model/commands",),
    "telme_model/settings.py": ("telme_model/runs/test_config.py", "telme_gui/training/test_form.py"),
    "telme_model/events.py": ("telme_model/runs",),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One line broken: how it is told, and the text of its file without and with it."""

    file: Path  # from the root
    line: int
    begins: int  # the line of the statement
    what: str
    before: str
    text: str


def mutants(file: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    source = (ROOT / file).read_text(encoding="utf-8")
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    if file.parts[0] == "telme_gui":
        tree.body = [statement for statement in tree.body if not isinstance(statement, ast.Assign)]
    statements = sorted({node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)})
    for node in _nodes(tree):
        for what, old, new in _changes(node, source):
            start, end = (old.lineno, old.col_offset), (old.end_lineno or 0, old.end_col_offset or 0)
            begins = statements[bisect_right(statements, old.lineno) - 1]
            yield Mutant(file, old.lineno, begins, what, source, _spliced(lines, start, end, new))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """What is run, without layout, painting and what only types are for."""
    for child in ast.iter_child_nodes(tree):
        if _is_left_out(child, tree):
            continue
        if isinstance(child, ast.FunctionDef):
            for statement in child.body:
                yield statement
                yield from _nodes(statement)
        elif isinstance(child, ast.AnnAssign):
            if child.value is not None:
                yield from _nodes(child.value)
        else:
            yield child
            yield from _nodes(child)


def _is_left_out(node: ast.AST, parent: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        paints = any(argument.arg == "painter" for argument in node.args.args)
        return paints or PAINTING.fullmatch(node.name) is not None
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Call):
        return _is_layout(node)
    if isinstance(node, ast.keyword):
        return node.arg == "strict"  # of zip, where it guards against what cannot be
    return isinstance(node, ast.Constant) and isinstance(parent, ast.Call) and _is_placing(parent)


def _is_layout(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute):
        of_data = call.func.attr == "update" and bool(call.args)  # a dictionary's or a checksum's
        return call.func.attr.startswith(LAYOUT) or (call.func.attr in ONLY_SO and not of_data)
    return getattr(call.func, "id", "").startswith(LAYOUT)


Place = tuple[int, int]
Change = tuple[str, ast.expr | ast.stmt, str]  # what, in place of which node, the text


def _changes(node: ast.AST, source: str) -> Iterator[Change]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition turned", node.test, _turned(node.test, source)
    elif isinstance(node, ast.comprehension):
        yield from (("condition turned", test, _turned(test, source)) for test in node.ifs)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _is_layout(node.value):
        yield "call left out", node, "pass"
    elif isinstance(node, ast.Return) and not _is_falsy(node.value):
        yield "nothing given back", node, "return None"
    elif isinstance(node, ast.Constant) and type(node.value) is int and node.value <= SMALL:
        yield "one more", node, str(node.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield "turned", node, str(not node.value)
    else:
        yield from _operators(node)


def _operators(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        others = COMPARISONS if _is_count(node.left) or _is_count(node.comparators[0]) else COMPARISONS | ROUND
        other = others[type(node.ops[0])]()
        yield "comparison", node, f"({ast.unparse(ast.Compare(node.left, [other], node.comparators))})"
    elif isinstance(node, ast.BoolOp):
        both = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and, or", node, f"({ast.unparse(ast.BoolOp(both, node.values))})"
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not (_is_text(node) or _is_type(node)):
        sign = ARITHMETIC[type(node.op)]()
        yield "arithmetic", node, f"({ast.unparse(ast.BinOp(node.left, sign, node.right))})"


def _is_falsy(value: ast.expr | None) -> bool:
    """Whether it is left out, None, or as good as None to whoever asks whether it is there."""
    constant = isinstance(value, ast.Constant) and not value.value
    return value is None or constant or (isinstance(value, ast.Tuple | ast.List) and not value.elts)


def _turned(test: ast.expr, source: str) -> str:
    return f"(not ({ast.get_source_segment(source, test)}))"


def _is_text(node: ast.BinOp) -> bool:
    """Whether strings are put together, where no mutant could run."""
    return any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str | bytes))
        for part in (node.left, node.right)
    )


def _is_count(node: ast.expr) -> bool:
    """Whether it is a whole number or a length, whose bounds can be met exactly."""
    length = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"
    return length or (isinstance(node, ast.Constant) and type(node.value) is int)


def _is_placing(call: ast.Call) -> bool:
    """Whether its numbers say where in a layout something stands, and how much of the room it takes."""
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("addWidget", "addLayout", "insertWidget")


def _is_type(node: ast.BinOp) -> bool:
    """Whether it is `int | None`."""
    none = isinstance(node.right, ast.Constant) and node.right.value is None
    return none or any(isinstance(part, ast.Name) and part.id[0].isupper() for part in (node.left, node.right))


def _spliced(lines: list[str], start: Place, end: Place, text: str) -> str:
    """The file with a stretch of it replaced; columns count bytes."""
    first, last = lines[start[0] - 1].encode(), lines[end[0] - 1].encode()
    before = "".join(lines[: start[0] - 1]) + first[: start[1]].decode()
    return before + text + last[end[1] :].decode() + "".join(lines[end[0] :])


def chosen(number: int, seed: int, only: Sequence[str]) -> list[Mutant]:
    """As many mutants, of files chosen by their size, in any order; the same ones for the same seed and sources."""
    chance = random.Random(seed)
    files = [
        path.relative_to(ROOT)
        for package in ("telme_gui", "telme_model")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not any(part in path.as_posix() for part in LEFT_OUT)
    ]
    pool = [mutant for file in files if file.as_posix().startswith(tuple(only)) for mutant in mutants(file)]
    return chance.sample(pool, min(number, len(pool)))


def tests_of(file: Path) -> list[str]:
    """The file's own tests, those of its package that import it, those of its room, and those from elsewhere."""
    package = Path("tests", file.parts[0])
    room = "/".join(file.parts[:2])
    elsewhere = [Path("tests", name) for name in ELSEWHERE.get(room, ())]
    in_room = [Path("tests", room)] if len(file.parts) > 2 else []
    own = (in_room[0] if in_room else package).rglob(f"test_{file.stem}.py")
    module = re.escape(".".join(file.with_suffix("").parts))
    parent, _, name = module.rpartition(r"\.")
    imports = re.compile(rf"(from|import) {module}\b|from {parent} import .*\b{name}\b")
    near = [path for path in package.rglob("test_*.py") if imports.search(_text(path))]
    near.sort(key=lambda path: (path.parent not in in_room, path))
    found = [path for path in (*sorted(own), *near[:NEAR], *in_room, *elsewhere) if path.exists()]
    return [str(path) for path in dict.fromkeys(found)] or [str(package)]


class Reach:
    """Which tests run a line, as far as .coverage tells."""

    def __init__(self, file: Path) -> None:
        self._data = CoverageData(str(file))
        self._data.read()

    def tests(self, mutant: Mutant) -> list[str]:
        """MOST of those that run the mutant's line; [] where none is known to.

        The file's own come first, then its room's and the others', of each test file one after another.
        """
        contexts = self._data.contexts_by_lineno(str(ROOT / mutant.file))
        found = {name.partition("|")[0].partition("[")[0] for name in contexts.get(mutant.begins, ()) if name}
        room, stem = "/".join(mutant.file.parts[:2]), f"test_{mutant.file.stem}.py::"
        turn: Counter[str] = Counter()
        order = {}
        for name in sorted(found):
            file = name.partition("::")[0]
            turn[file] += 1
            order[name] = (stem not in name, room not in name, turn[file])
        return sorted(order, key=lambda name: order[name])[:MOST]


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _pytest(copy: Path, tests: Sequence[str], told: Path) -> None:
    """Run tests in this process, which is a session of its own."""
    os.setsid()
    with told.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(copy)
    tempfile.tempdir = os.environ["TMPDIR"] = str(copy / "tmp")
    sys.path.insert(0, str(copy))
    os._exit(pytest.main(["-v", "--tb=no", "--no-header", "-p", "no:cacheprovider", "-W", IMPORTED, *tests]))


def run(copy: Path, tests: Sequence[str], silence: float, at_most: float) -> tuple[int | None, str]:
    """Run tests in a copy: the exit code, None where they hang or their time is over, and what pytest said."""
    told = copy / "told.txt"
    told.write_text("")
    process = multiprocessing.get_context("forkserver").Process(target=_pytest, args=(copy, tests, told))
    process.start()
    size, since, end = 0, time.monotonic(), time.monotonic() + at_most
    while process.exitcode is None and time.monotonic() < min(since + silence, end):
        process.join(0.5)
        if told.stat().st_size != size:
            size, since = told.stat().st_size, time.monotonic()
    code, pid = process.exitcode, process.pid
    if pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # and whatever it has begun
    process.kill()
    process.join()
    shutil.rmtree(copy / "tmp", ignore_errors=True)
    (copy / "tmp").mkdir(exist_ok=True)
    return code, told.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant."""

    how: str  # "" where nobody noticed it
    test: str = ""  # which noticed it, where it was a test


def noticed(mutant: Mutant, tests: Sequence[Sequence[str]], copy: Path, at_most: float) -> Outcome:
    """Which test of these notices it, those first that come first, in at most so many seconds; then nobody does."""
    path = copy / mutant.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    end = time.monotonic() + at_most
    outcome = Outcome("")
    try:
        for some in tests:
            if not outcome.how and time.monotonic() < end:
                outcome = _noticed(some, copy, end - time.monotonic())
    finally:
        path.write_text(whole, encoding="utf-8")
    return outcome


def _noticed(tests: Sequence[str], copy: Path, at_most: float) -> Outcome:
    began = time.monotonic()
    code, told = run(copy, ["-x", *tests], SILENCE, at_most)
    nothing = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    if code in nothing or (code is None and time.monotonic() - began >= at_most):
        return Outcome("")
    if code == pytest.ExitCode.TESTS_FAILED:
        failed = re.findall(r"^(?:FAILED|ERROR) (tests/\S+?\.py(?:::.*?)?)(?: - |$)", told, re.MULTILINE)
        return Outcome("fails", failed[0] if failed else told[-60:])
    begun = re.findall(r"^(tests/\S+?\.py::.*?)(?: (?:PASSED|FAILED|ERROR|SKIPPED)\b.*)?$", told, re.MULTILINE)
    how = "hangs" if code is None else "dies" if code < 0 else "is not imported"
    return Outcome(how, begun[-1].rstrip() if begun else "")


def unsound(tests: Sequence[str], copy: Path) -> set[str]:
    """Those of the tests that do not pass in a whole copy, or not in time: what they noticed was no mutant."""
    if not tests:
        return set()
    code, told = run(copy, ["-m", "", *tests], PATIENCE, PATIENCE)
    if code == pytest.ExitCode.USAGE_ERROR:
        raise RuntimeError(told)
    return {test for test in tests if f"{test} PASSED" not in told}


def main() -> int:
    """Break, test, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[""], metavar="PATH", help="files whose path begins so")
    parser.add_argument("--at-most", type=float, default=900, metavar="SECONDS", help="for one; then nobody noticed it")
    parser.add_argument("--minutes", type=float, default=600, help="for all; those not begun by then are left out")
    parser.add_argument("--side-by-side", type=int, default=max((os.cpu_count() or 2) - 1, 1))
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ.update(OMP_NUM_THREADS="1", QT_QPA_PLATFORM="offscreen", HF_HUB_OFFLINE="1")
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    picked = chosen(options.mutants, options.seed, options.only)
    reach = Reach(ROOT / ".coverage")
    tests = {}
    for mutant in picked:
        near = tests_of(mutant.file)
        own = [path for path in near if path.endswith(f"test_{mutant.file.stem}.py")]  # may start processes
        reached = reach.tests(mutant)
        tests[mutant] = [[*own, *reached] if reached else near, ["-m", "slow", *near]]
    copies: Queue[Path] = Queue()
    end = time.monotonic() + 60 * options.minutes

    def look(mutant: Mutant) -> tuple[Mutant, Outcome] | None:
        copy, began = copies.get(), time.monotonic()
        try:
            if began > end:
                return None
            outcome = noticed(mutant, tests[mutant], copy, options.at_most)
        finally:
            copies.put(copy)
        by = f"{outcome.how}: {outcome.test.rpartition('/')[2]}" if outcome.how else "UNNOTICED"
        print(f"{by:70.70} {time.monotonic() - began:4.0f} s  {mutant.file}:{mutant.line}  {mutant.what}", flush=True)
        return mutant, outcome

    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        for number in range(options.side_by_side):
            copies.put(_copied(Path(scratch, str(number))))
        with ThreadPoolExecutor(options.side_by_side) as pool:
            outcomes = [seen for seen in pool.map(look, picked) if seen is not None]
        red = unsound(sorted({outcome.test for _, outcome in outcomes if "::" in outcome.test}), copies.get())
    missed = [mutant for mutant, outcome in outcomes if not outcome.how or outcome.test in red]
    print(f"\n{len(outcomes) - len(missed)} of {len(outcomes)} noticed (seed {options.seed})")
    print(*(f"fails without a mutant: {test}" for test in sorted(red)), sep="\n")
    for mutant in missed:
        before = mutant.before.splitlines()[mutant.line - 1].strip()
        print(f"  {mutant.file}:{mutant.line}  {mutant.what}\n    {before}\n    {_line(mutant)}")
    return 0


def _copied(copy: Path) -> Path:
    """A copy of what the tests need."""
    copy.mkdir()
    for name in COPIED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
    (copy / "tmp").mkdir()
    return copy


def _line(mutant: Mutant) -> str:
    return mutant.text.splitlines()[mutant.line - 1].strip()


if __name__ == "__main__":
    raise SystemExit(main())
