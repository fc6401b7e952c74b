"""Settings that are described once, where they are declared: files, the command line and forms read it from there.

And what is read back besides, held against the types that its record declares: events, run facts, scores, cache rows.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from telme_model.errors import StudioError, brief

T = TypeVar("T")

_DESCRIPTION = "setting"  # of a field's metadata
_BITS = 1000  # of a whole number; a float holds a little more
_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotes"}
_SIDES = {"above": operator.gt, "at least": operator.ge, "at most": operator.le, "below": operator.lt}


class ConfigError(StudioError, ValueError):
    """A setting that cannot work; the message says which, why, and what is allowed."""

    title = "These settings cannot be trained"
    needs_change = True

    def __init__(self, sentence: str, remedy: str = "", *, key: str = "") -> None:
        super().__init__(sentence, remedy)
        self.key = key  # the setting's full name, "" where it is of no single one


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a setting is called, what it does, and what it may be."""

    title: str
    help: str
    unit: str = ""
    must: str = ""  # what a text has to be or do, in words ...
    pattern: str = ""  # ... and what the whole of it matches
    limits: Mapping[str, float] = field(default_factory=dict)  # by side
    path: str = ""  # its full name, such as "stages.audio.batch"
    kind: Any = None  # its type

    @property
    def range(self) -> str:
        """The limits in words: "at least 0 and below 1"."""
        return " and ".join(f"{side} {_number(limit)}" for side, limit in self.limits.items())

    @property
    def allowed(self) -> str:
        """What it has to be or do, in words: "be a number above 0 (seconds)"."""
        if get_args(self.kind):
            return f"be a list of {', '.join(get_args(self.kind)[0])}"
        if issubclass(self.kind, StrEnum):
            return f"be one of {', '.join(self.kind)}"
        limits, unit = self.range.replace("at least", "of at least"), f"({self.unit})" if self.unit else ""
        return self.must or " ".join(filter(None, ("be", _KINDS[self.kind], limits, unit)))

    def check(self, key: str, value: Any) -> None:
        """Check the range of a value. Raises ConfigError naming `key`."""
        if self.pattern and not re.fullmatch(self.pattern, value, re.DOTALL):
            shown = brief(value) if value.strip() else "empty"
            raise ConfigError(f"{key} is {shown}; it has to {self.must}", key=key)
        if self.limits:
            finite = abs(value) < math.inf  # NaN is not, either
            if not finite or not all(_SIDES[side](value, limit) for side, limit in self.limits.items()):
                words = self.range if finite else f"{self.range} and finite"
                raise ConfigError(f"{key} is {brief(value)}; it has to be {words}", key=key)


def _number(limit: float) -> str:
    return f"2^{int(limit).bit_length() - 1}" if limit > 2**32 else f"{limit:g}"


def setting(
    default: T, title: str, sentence: str, unit: str = "", *, must: str = "", pattern: str = "", **limits: float
) -> T:
    """A field of a dataclass, and its description. Limits are `above`, `at_least`, `at_most` and `below`."""
    sides = {side.replace("_", " "): limit for side, limit in limits.items()}
    about = Setting(title=title, help=sentence, unit=unit, must=must, pattern=pattern, limits=sides)
    return field(default=default, metadata={_DESCRIPTION: about})


class SettingsSection:
    """Base of a dataclass of settings; their ranges are checked whenever one is made, by `replace` too."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Check the ranges. Raises ConfigError."""
        for item in fields(self):  # type: ignore[arg-type]  # whoever inherits is a dataclass
            if _DESCRIPTION in item.metadata:
                item.metadata[_DESCRIPTION].check(item.name, getattr(self, item.name))


def settings_of(kind: Any, owner: str = "") -> Iterator[Setting]:
    """Every setting that a dataclass and those in it describe, in their order."""
    hints = _hints(kind)
    for item in fields(kind):
        path = f"{owner}{item.name}"
        if is_dataclass(hints[item.name]):
            yield from settings_of(hints[item.name], f"{path}.")
        elif _DESCRIPTION in item.metadata:
            yield replace(item.metadata[_DESCRIPTION], path=path, kind=hints[item.name])


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    """The types of a dataclass' fields: looked up once, as the window reads a configuration with each letter typed."""
    return get_type_hints(kind)


def to_dict(settings: Any) -> dict[str, Any]:
    """Plain dictionaries, lists, strings and numbers, as TOML and JSON have them."""
    return {item.name: _plain(getattr(settings, item.name)) for item in fields(settings) if item.init}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_dict(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, StrEnum) else value


def read(kind: type[T], tree: Any, *, drop: Callable[[str], object] | None = None) -> T:
    """The inverse of `to_dict`; absent settings take their defaults. Raises ConfigError naming the setting.

    With `drop` only what cannot be is left out, and `drop` is called with a sentence that says why.
    """
    made: T = _Reader(drop).table(kind, tree, "")
    return made


@dataclass(frozen=True, slots=True)
class _Reader:
    drop: Callable[[str], object] | None

    def table(self, kind: Any, tree: Any, key: str) -> Any:
        """A dataclass of settings."""
        known, hints = {item.name: item for item in fields(kind) if item.init}, _hints(kind)
        made = {}
        for name, value in _expected(tree, Mapping, key, "a table of settings").items():
            path = f"{key}.{name}" if key else name
            with self._dropping():
                if name not in known:
                    raise ConfigError(f"there is no setting {brief(path)}; known here: {', '.join(known)}", key=path)
                found = self._value(hints[name], value, path)
                if _DESCRIPTION in known[name].metadata:
                    known[name].metadata[_DESCRIPTION].check(path, found)
                made[name] = found
        for name, item in known.items():
            if name not in made and item.default is item.default_factory is MISSING:
                raise ConfigError(f"{key} lacks {name}", key=key)
        return kind(**made)

    def _value(self, kind: Any, value: Any, key: str) -> Any:
        """A value of one of the types that settings have."""
        if is_dataclass(kind):
            return self.table(kind, value, key)
        origin, parts = get_origin(kind), get_args(kind)
        if origin is dict:
            return self._each(parts[1], _expected(value, Mapping, key, "a table").items(), f"{key}.")
        if origin in (list, tuple):  # tuple[Modality, ...]
            return origin(self._each(parts[0], enumerate(_expected(value, list | tuple, key, "a list")), key).values())
        if kind is Any:
            return value
        if issubclass(kind, StrEnum):
            if value not in list(kind):
                raise ConfigError(f"{key} is {brief(value)}; it has to be one of {', '.join(kind)}", key=key)
            return kind(value)
        endless = type(value) is int and value.bit_length() > _BITS
        if kind is float and type(value) is int and not endless:
            return float(value)
        if type(value) is not kind or endless:
            raise ConfigError(f"{key} is {brief(value)}; it has to be {_KINDS[kind]}", key=key)
        return value

    def _each(self, kind: Any, parts: Iterable[tuple[Any, Any]], key: str) -> dict[Any, Any]:
        made = {}
        for name, part in parts:
            with self._dropping():
                made[name] = self._value(kind, part, f"{key}{name}" if key.endswith(".") else key)
        return made

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            if self.drop is None:
                raise
            self.drop(str(error))


def _expected(value: Any, kind: Any, key: str, words: str) -> Any:
    if not isinstance(value, kind):
        raise ConfigError(f"{key} has to be {words}, not {brief(value)}", key=key)
    return value


# -- records ------------------------------------------------------------------------------------------------------
# A record is a dataclass or a TypedDict; what it does not declare is not looked at: older programs read newer files.

Fault = Callable[[Any], str]  # what is wrong with a value: "" where nothing is, else ".stages.teacher is no table"

_END = 2**63  # whole numbers are below it, as in SQLite
_TYPES = {bool: "true or false", str: "a text", NoneType: "nothing", dict: "a table", list: "a list"}


@cache
def fault_in(kind: Any) -> Fault:
    """What finds the fault in a value that should be of this type."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda _value: ""
    if origin in (Union, UnionType):
        return _either([fault_in(part) for part in parts])
    if origin in (dict, Mapping):
        return _mapping(fault_in(parts[0]), fault_in(parts[1]))
    if origin in (list, tuple):  # tuple[X, ...], which JSON has as a list
        return _listed(fault_in(parts[0]))
    if is_dataclass(kind):
        needed = {item.name for item in fields(kind) if item.default is item.default_factory is MISSING}
        return _record(get_type_hints(kind), needed)
    if is_typeddict(kind):
        return _record(get_type_hints(kind), kind.__required_keys__)
    return _scalar(kind)


def _scalar(kind: type) -> Fault:
    if issubclass(kind, StrEnum):
        known = frozenset(map(str, kind))
        return lambda value: "" if isinstance(value, str) and value in known else f" is not one of {', '.join(kind)}"
    if kind is int:
        return lambda value: "" if type(value) is int and abs(value) < _END else " is no whole number"
    if kind is float:
        return lambda value: "" if type(value) is float or not whole(value) else " is no number"
    return lambda value: "" if isinstance(value, kind) else f" is not {_TYPES[kind]}"


def _either(checks: list[Fault]) -> Fault:
    def check(value: Any) -> str:
        faults = [fault(value) for fault in checks]
        return "" if "" in faults else faults[0]

    return check


def _listed(part: Fault) -> Fault:
    def check(value: Any) -> str:
        if not isinstance(value, list | tuple):
            return " is no list"
        return next((f"[{place}]{fault}" for place, one in enumerate(value) if (fault := part(one))), "")

    return check


def _mapping(key: Fault, part: Fault) -> Fault:
    def check(value: Any) -> str:
        if not isinstance(value, Mapping):
            return " is no table"
        faults = ((name, key(name) or part(one)) for name, one in value.items())
        return next((f".{str(name)[:40]}{fault}" for name, fault in faults if fault), "")

    return check


def _record(hints: Mapping[str, Any], needed: frozenset[str] | set[str]) -> Fault:
    checks = {name: fault_in(hint) for name, hint in hints.items()}

    def check(value: Any) -> str:
        if not isinstance(value, Mapping):
            return " is no table"
        for name, fault in checks.items():
            if name in value:
                if found := fault(value[name]):
                    return f".{name}{found}"
            elif name in needed:
                return f" has no {name}"
        return ""

    return check


def faulty(fault: str) -> str:
    """What `fault_in` found, as it is said of the record: "its stages.teacher is no table", "it has no corpus"."""
    return f"its {fault[1:]}" if fault.startswith(".") else f"it{fault}"


whole = fault_in(int)
