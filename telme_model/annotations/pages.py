"""The rows that stand on the pages of an SQLite file, read without SQLite: whole pages tell what a broken file holds.

https://sqlite.org/fileformat2.html. What says where a page belongs (the header, the schema, the pages above it) is
not needed: a row is known by its columns.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SIZES = tuple(1 << power for power in range(9, 17))  # bytes that a page can have
_HEADER = 100  # bytes of the file, at the beginning of its first page
_LEAF = 13  # the kind of a page that holds rows of a table
_WAL_HEADER, _FRAME_HEADER = 32, 24  # bytes
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes, by the number of the column's type

StoredRow = tuple[object, ...]  # values of columns; text that does not read as bytes


@dataclass(frozen=True, slots=True)
class Pages:
    """What stands in a file."""

    size: int  # bytes of a page
    by_number: Mapping[int, bytes]  # from 1; the last may be cut off

    def page(self, number: int) -> bytes:
        """A page, b"" where there is none."""
        return self.by_number.get(number, b"")


def pages(data: bytes, log: bytes = b"") -> Pages:
    """The pages of a file, as its write-ahead log has left them."""
    size = _logged_size(log) or _page_size(data)
    found = {number: data[start : start + size] for number, start in enumerate(range(0, len(data), size), 1)}
    return Pages(size, found | _committed(log, size))


def rows(found: Pages) -> Iterator[tuple[int, int, StoredRow]]:
    """The rows that can be read: number of the page, number of the row, columns (a key that is the row's is None)."""
    for number, page in found.by_number.items():
        for start in _cells(page, _HEADER if number == 1 else 0, found.size):
            try:
                row, payload = _payload(found, page, start)
                yield number, row, tuple(_columns(payload))
            except (ValueError, IndexError, struct.error):  # damaged, or cut off
                continue


def free(found: Pages) -> frozenset[int] | None:
    """Pages that hold nothing any more, though old rows still stand there; None where the list of them is damaged."""
    first, count = struct.unpack(">II", found.page(1)[32:40].ljust(8, b"\0"))
    gone: set[int] = set()
    while first:
        page = found.page(first)
        if first in gone or len(page) < 8:
            return None
        following, size = struct.unpack(">II", page[:8])
        if 8 + 4 * size > len(page):
            return None
        gone |= {first, *struct.unpack(f">{size}I", page[8 : 8 + 4 * size])}
        first = following
    return frozenset(gone) if len(gone) == count else None


# -- pages ------------------------------------------------------------------------------------------------------


def _page_size(data: bytes) -> int:
    """The size with which most pages are sound; the header, which tells it, may be damaged."""

    def sound(size: int) -> int:
        starts = range(0, len(data), size)
        return sum(bool(_cells(data[start : start + size], 0 if start else _HEADER, size)) for start in starts)

    return max(_SIZES, key=sound)


def _cells(page: bytes, head: int, size: int) -> Sequence[int]:
    """Where the rows of a page begin; none where it holds no rows, or is damaged."""
    if len(page) < head + 8 or page[head] != _LEAF:
        return ()
    count = int.from_bytes(page[head + 3 : head + 5], "big")
    first = head + 8 + 2 * count
    if first > len(page):
        return ()
    starts = [start for (start,) in struct.iter_unpack(">H", page[head + 8 : first])]
    return starts if all(first <= start < size for start in starts) else ()


def _logged_size(log: bytes) -> int | None:
    size = int.from_bytes(log[8:12], "big")
    return size if len(log) > _WAL_HEADER and size in _SIZES else None


def _committed(log: bytes, size: int) -> dict[int, bytes]:
    """Pages of the log up to its last commit. Its sums are not looked at: one bit would cost all that follows it."""
    salts = log[16:24]
    found: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for start in range(_WAL_HEADER, len(log) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, committed = struct.unpack(">II", log[start : start + 8])
        if log[start + 8 : start + 16] != salts:
            break
        pending[number] = log[start + _FRAME_HEADER : start + _FRAME_HEADER + size]
        if committed:
            found |= pending
            pending = {}
    return found


# -- rows -------------------------------------------------------------------------------------------------------


def _payload(found: Pages, page: bytes, start: int) -> tuple[int, bytes]:
    """The number of a row, and its bytes, which may go on on other pages."""
    length, start = _varint(page, start)
    number, start = _varint(page, start)
    most, least = found.size - 35, (found.size - 12) * 32 // 255 - 23
    local = length
    if length > most:
        local = least + (length - least) % (found.size - 4)
        local = local if local <= most else least
    parts = [page[start : start + local]]
    if local < length:
        following, left = int.from_bytes(page[start + local : start + local + 4], "big"), length - local
        while left > 0:
            over = found.page(following)
            if len(over) <= 4:
                raise ValueError("a row goes on where nothing is")
            parts.append(over[4 : 4 + left])
            following, left = int.from_bytes(over[:4], "big"), left - len(parts[-1])
    payload = b"".join(parts)
    if len(payload) != length:
        raise ValueError("a row is cut off")
    return number, payload


def _columns(payload: bytes) -> Iterator[object]:
    head, start = _varint(payload, 0)
    types = []
    while start < head:
        type_, start = _varint(payload, start)
        types.append(type_)
    ends = [head]
    for type_ in types:
        ends.append(ends[-1] + _bytes(type_))
    if start != head or ends[-1] != len(payload):
        raise ValueError("the columns of a row are not as long as it says")
    for type_, (first, last) in zip(types, pairwise(ends), strict=True):
        yield _value(type_, payload[first:last])


def _bytes(type_: int) -> int:
    if type_ >= 12:
        return (type_ - 12) // 2
    return 8 if type_ == 7 else _INTEGERS.get(type_, 0)


def _value(type_: int, data: bytes) -> object:
    if type_ == 7:
        return struct.unpack(">d", data)[0]
    if type_ in _INTEGERS:
        return int.from_bytes(data, "big", signed=True)
    if type_ >= 13 and type_ % 2:
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data
    return {0: None, 8: 0, 9: 1}.get(type_, data)


def _varint(data: bytes, start: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for place in range(8):
        byte = data[start + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, start + place + 1
    return value << 8 | data[start + 8], start + 9
