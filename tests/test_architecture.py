"""The house keeps its shape: what may import what, and what an import costs. `lint-imports` checks the layers."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchaudio", "transformers", "safetensors")
WITHOUT_TORCH = ("corpus", "media", "analysis", "runs", "annotations")


def _modules(package: str) -> list[str]:
    return sorted(grimp.build_graph(package).modules)


@pytest.mark.parametrize("package", ["telme_gui", "telme_model"])
def test_nothing_is_imported_in_a_circle(package: str) -> None:
    graph = grimp.build_graph(package)
    cycles = [
        " -> ".join((module, *back))
        for module in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(module))
        if (back := graph.find_shortest_chain(importer=imported, imported=module))
    ]
    assert not cycles


@pytest.mark.parametrize("package", ["telme_gui", "telme_model"])
def test_a_package_is_seen_at_a_glance(package: str) -> None:
    entries = [path.name for path in (ROOT / package).iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 18, sorted(entries)


@pytest.mark.parametrize("package", ["telme_gui", *(f"telme_model.{room}" for room in WITHOUT_TORCH)])
def test_importing_it_leaves_the_networks_unloaded(package: str) -> None:
    """The window is up, and a corpus read, before torch is there. Counts what the imported modules import in turn."""
    modules = [name for name in _modules(package.partition(".")[0]) if f"{name}.".startswith(f"{package}.")]
    code = f"import sys, {', '.join(modules)}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_main_loads_neither_networks_nor_window_for_help() -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['main.py', '--help']\n"
        "try: runpy.run_path('main.py', run_name='__main__')\n"
        "except SystemExit as done: code = done.code\n"
        f"print(code, *(name for name in {(*HEAVY, 'PySide6')} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.split() == ["0"], done.stderr
    assert "usage" in done.stdout.lower()


def test_a_class_name_stands_for_one_thing() -> None:
    """Over both packages, so that a search for it finds it; also names of types, which may be made twice alike."""
    meanings: dict[str, set[str]] = {}
    for package in ("telme_gui", "telme_model"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                for name, meaning in _types(node, path):
                    meanings.setdefault(name, set()).add(meaning)
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


def _types(node: ast.stmt, path: Path) -> Iterator[tuple[str, str]]:
    """The public types that a statement names, and what each of them is."""
    if isinstance(node, ast.ClassDef):
        named, meaning = [node.name], f"class of {path}"
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        named, meaning = [target.id for target in targets if isinstance(target, ast.Name)], ast.unparse(node.value)
    else:
        return
    yield from ((name, meaning) for name in named if name[0].isupper() and not name.isupper())
