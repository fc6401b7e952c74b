"""Errors are types: each says a sentence, and nobody looks at the name of a class or at the words of a message."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

import telme_model
from telme_model.errors import MemoryFullError, StudioError

ROOT = Path(__file__).parents[2]
BY_WORDS = "telme_model/networks/devices.py"  # memory that is full: other libraries have nothing but words for it


def _kinds(kind: type[StudioError]) -> Iterator[type[StudioError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


def _all_kinds() -> list[type[StudioError]]:
    for module in pkgutil.walk_packages(telme_model.__path__, "telme_model."):
        importlib.import_module(module.name)
    return [kind for kind in _kinds(StudioError) if kind.__module__.startswith("telme_")]


def test_every_kind_says_what_is_wrong_and_what_to_do() -> None:
    kinds = _all_kinds()
    assert len(kinds) > 20
    for kind in kinds:
        assert kind.__name__.endswith("Error")
        assert kind.__doc__
        assert not kind.title or (kind.title[0].isupper() and not kind.title.endswith("."))
        assert not kind.remedy or (kind.remedy[0].isupper() and kind.remedy.endswith("."))


def test_a_message_and_its_remedy() -> None:
    error = StudioError("the door is shut", "Open it.", ("door=open",))
    assert (str(error), error.advice) == ("the door is shut", "the door is shut. Open it.")
    assert error.changes == ("door=open",)
    assert StudioError("The door is shut.", "Open it.").advice == "The door is shut. Open it."
    assert StudioError("the door is shut").advice == "the door is shut"


def test_an_error_may_know_better_than_its_kind() -> None:
    assert MemoryFullError().remedy == MemoryFullError.remedy
    assert MemoryFullError(remedy="Close the other window.").remedy == "Close the other window."


def test_full_memory_repeats_what_the_device_says() -> None:
    error = MemoryFullError("CUDA out of memory.", what="the phase “teacher”")
    assert str(error) == "the phase “teacher” needs more memory than there is. The device says: CUDA out of memory."
    assert str(MemoryFullError()) == "this needs more memory than there is."


# Nobody tells errors apart by names or words


TESTS = ("startswith", "endswith", "find", "index", "count", "match", "search")


def _errors_in(nodes: list[ast.AST]) -> set[str]:
    """The names that an error has in a module: of its `except`s, and of arguments that are exceptions."""
    caught = {node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name}
    arguments = [node for node in nodes if isinstance(node, ast.arg) and node.annotation]
    return caught | {node.arg for node in arguments if _names_an_error(node)}


def _names_an_error(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Name) and part.id.endswith(("Error", "Exception")) for part in ast.walk(node))


def looks_at_words(code: str) -> list[int]:
    """The lines that compare the name of a class, or what an error says."""
    nodes = list(ast.walk(ast.parse(code)))
    errors = _errors_in(nodes)
    tests = [node for node in nodes if isinstance(node, ast.Compare) or _is_test(node)]
    return [node.lineno for node in tests if any(_is_word(part, errors) for part in ast.walk(node))]


def _is_test(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TESTS


def _is_word(node: ast.AST, errors: set[str]) -> bool:
    """Whether this is the name of an error's class, or its text."""
    if isinstance(node, ast.Attribute):
        owner = node.value
        names_a_class = node.attr in ("__name__", "__qualname__") and _is_type_of(owner, errors)
        return names_a_class or (node.attr in ("strerror", "args") and _is_error(owner, errors))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("str", "repr"):
        return any(_is_error(argument, errors) for argument in node.args)
    return False


def _is_type_of(node: ast.AST, errors: set[str]) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type":
        return any(_is_error(argument, errors) for argument in node.args)
    return isinstance(node, ast.Attribute) and node.attr == "__class__" and _is_error(node.value, errors)


def _is_error(node: ast.AST, errors: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in errors


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept OSError as error:\n    if 'full' in str(error): pass",
        "try: f()\nexcept OSError as error:\n    if error.strerror == 'full': pass",
        "def f(error: Exception) -> bool:\n    return type(error).__name__ == 'DiskFullError'",
        "def f(error: Exception) -> bool:\n    return str(error).startswith('no room')",
    ],
)
def test_words_are_noticed(code: str) -> None:
    assert looks_at_words(code)


def test_words_that_are_shown_are_no_comparison() -> None:
    assert not looks_at_words(
        "try: f()\nexcept OSError as error:\n    say(f'{error}', str(error), error.strerror or 'x')"
    )


def shows_words_alone(code: str) -> list[int]:
    """The lines that take an error's words without what to do about it."""
    nodes = list(ast.walk(ast.parse(code)))
    errors = _errors_in(nodes) | {"error", "problem"}
    return [
        node.lineno
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str"
        if any(_is_error(argument, errors) for argument in node.args)
    ]


def test_the_window_says_what_to_do_with_what_is_wrong() -> None:
    assert shows_words_alone("f.connect(lambda error: say(str(error)))") == [1]
    files = (ROOT / "telme_gui").rglob("*.py")
    found = {path.name: lines for path in files if (lines := shows_words_alone(path.read_text(encoding="utf-8")))}
    assert not found, "`error.advice` has the remedy, too"


def test_nobody_knows_an_error_by_its_name_or_its_words() -> None:
    files = [path for package in ("telme_model", "telme_gui") for path in (ROOT / package).rglob("*.py")]
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in files
        if (lines := looks_at_words(path.read_text(encoding="utf-8")))
    }
    assert list(found) == [BY_WORDS], found
    assert len(found[BY_WORDS]) == 1
