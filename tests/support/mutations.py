"""Seeded damage to good files: bytes of any, cells of tables, values of JSON, TOML, SQLite and of files of tensors."""

import csv
import io
import json
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

DEEP = "[" * 3000 + "]" * 3000
BARE = ("null", "true", "-1", "0", "1e308", "-1e999", "NaN", "Infinity", "1" * 400, "1" * 5000, "1e400", "0.5", DEEP)
VALUES: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2**31, 2**63, 10**30, 10**400, 1e308, 0.5, -0.0, float("nan"), float("inf"), "", "x",
    "1", "nan", "\0", "\ud800", "../../etc/passwd", "/dev/zero", "x" * 100_000, [], [1], [[]], ["x"], {}, {"x": 1},
    {"": None}, [None] * 1000,
)  # fmt: skip


def mutated(rng: random.Random, name: str, data: bytes) -> bytes:
    """The file's bytes, damaged: half of the time in a way that its kind makes possible."""
    kinds = [mutation for ending, mutation in _OWN.items() if name.endswith(ending)]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        try:
            data = rng.choice((*kinds, _bytes))(rng, data) if kinds else _bytes(rng, data)
        except Exception:  # noqa: BLE001 - damaged so much already that its kind cannot be read
            data = _bytes(rng, data)
    return data


def _bytes(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 2, 8, 100, 5000)))
    match rng.randrange(9):
        case 0:
            return data[:start]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:start] + rng.randbytes(end - start) + data[end:]
        case 3:
            return data[:end] + data[start:end] * rng.choice((1, 3, 200)) + data[end:]
        case 4:
            return data[:start] + bytes(end - start) + data[end:]
        case 5 if data:
            flipped = bytearray(data)
            for _ in range(rng.choice((1, 1, 5, 50))):
                flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case 6:
            return rng.choice((b"", b"\0", data + b"\0" * 1000, b"\xff\xfe" + data, rng.randbytes(300), data * 2))
        case _:
            return _number(rng, data)


def _number(rng: random.Random, data: bytes) -> bytes:
    """One of the numbers or words in a text replaced."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?|\"[^\"]{0,40}\"", data[:200_000]))
    if not found:
        return data
    one = rng.choice(found)
    return data[: one.start()] + rng.choice(BARE).encode() + data[one.end() :]


def _json(rng: random.Random, data: bytes) -> bytes:
    return json.dumps(_changed(rng, json.loads(data))).encode()


def _json_lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    lines[place] = _json(rng, lines[place]) + b"\n"
    if rng.random() < 0.1:
        lines.insert(place, rng.choice(BARE).encode() + b"\n")
    return b"".join(lines)


def _changed(rng: random.Random, tree: Any) -> Any:
    """The tree with one of its values changed, taken out or called otherwise."""
    if not isinstance(tree, dict | list) or not tree or rng.random() < 0.1:
        return rng.choice(VALUES)
    keys: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = rng.choice(keys)
    chance = rng.random()
    if chance < 0.1:
        tree.pop(key)
    elif chance < 0.15 and isinstance(tree, dict):
        tree[rng.choice(("", "x", "format", "\0"))] = tree.pop(key)
    else:
        tree[key] = _changed(rng, tree[key])
    return tree


def _table(rng: random.Random, data: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig", errors="replace"))))
    row = rng.choice(rows)
    row[rng.randrange(len(row))] = str(rng.choice((*VALUES, *BARE)) if rng.random() < 0.9 else '"')[:200_000]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode(errors="replace")


def _database(rng: random.Random, data: bytes) -> bytes:
    """A cell of a table with a value of another type, or the whole schema changed."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(data.replace(b"\x02\x02", b"\x01\x01", 1) if data[18:20] == b"\x02\x02" else data)
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        table = rng.choice(tables)
        columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
        value = rng.choice((None, 5, -(2**63), 1.5, 1e308, "x", "", "{}", "[]", '{"x": 1}', DEEP, b"\xff", "x" * 10**5))
        column = rng.choice(columns)
        db.execute("PRAGMA ignore_check_constraints = 1")
        match rng.randrange(6):
            case 0:
                db.execute(f'DROP TABLE "{table}"')
            case 1:
                db.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{column}x"')
            case _:
                rows = [row[0] for row in db.execute(f'SELECT "{columns[0]}" FROM "{table}"')]
                which = rng.choice(rows) if rows else 0
                db.execute(f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE "{columns[0]}" = ?', (value, which))
        db.commit()
        return db.serialize()


def _tensors(rng: random.Random, data: bytes) -> bytes:
    """The header of a file of tensors."""
    length = int.from_bytes(data[:8], "little")
    header = _json(rng, data[8 : 8 + length])
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _toml(rng: random.Random, data: bytes) -> bytes:
    lines = data.decode().splitlines()
    places = [place for place, line in enumerate(lines) if "=" in line]
    place = rng.choice(places)
    name = lines[place].partition("=")[0]
    value = rng.choice(
        ("-1", "0", "1", "nan", "inf", "1e308", "1" * 400, "1" * 5000, '""', '"x"', "true", "[]", '["x"]', "{}",
         "[[[]]]", "{x = 1}", "1979-05-27", "[" * 2000, '"\\u0000"', '"/dev/zero"')
    )  # fmt: skip
    lines[place] = f"{name}= {value}" if rng.random() < 0.9 else f"unknown = {value}"
    return "\n".join(lines).encode()


def whole(path: Path) -> bytes:
    """What a file holds; of an SQLite file all that its log holds besides."""
    if path.suffix in (".db", ".sqlite"):
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.read_bytes()


_OWN: dict[str, Mutation] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".csv": _table,
    ".tsv": _table,
    ".toml": _toml,
    ".db": _database,
    ".sqlite": _database,
    ".safetensors": _tensors,
}
