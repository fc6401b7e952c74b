"""Events over a film: Audacity's label tracks (.txt), and what BORIS writes as a table (.tsv) or keeps (.boris)."""

import json
import re
from pathlib import Path
from typing import Any

from telme_model.annotations.exchange.cues import marked
from telme_model.annotations.exchange.errors import ExchangeError, NoPlaceError
from telme_model.annotations.exchange.files import LARGEST_DIALOGUE, decoded, read_bytes
from telme_model.annotations.exchange.interface import Inbox
from telme_model.annotations.exchange.placing import Places
from telme_model.annotations.exchange.timed import TimedLine, emotion_among, take_lines
from telme_model.corpus.dialogue import Dialogue
from telme_model.corpus.tables import plain_seconds

_LABEL = re.compile(r"(\d+(?:[.,]\d+)?)\t(\d+(?:[.,]\d+)?)\t(.*)")
_HEAD = ("behavior", "behaviour")


def read_audacity(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the labels of a track: a line each of beginning, end and text. Raises ExchangeError when it is none."""
    lines: list[TimedLine] = []
    for number, text in enumerate(decoded(path, read_bytes(path, LARGEST_DIALOGUE)).splitlines(), 1):
        if not text.strip() or text.startswith("\\"):  # the second line of a label is its frequencies
            continue
        match = _LABEL.fullmatch(text.rstrip())
        if match is None:
            raise ExchangeError(f"{path} is no track of labels, as Audacity exports it: line {number} has no two times")
        marks, speaker, words = marked(match[3])
        emotion, words = emotion_among(marks, words, inbox)
        where = f"{path.name}, line {number}"
        lines.append(
            _line(where, float(match[1].replace(",", ".")), float(match[2].replace(",", ".")), emotion, speaker, words)
        )
    take_lines(lines, places.dialogue(path), inbox)


def read_boris_table(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the events of a table that BORIS exports, tabular or aggregated. Raises ExchangeError when it is none."""
    rows = [line.split("\t") for line in decoded(path, read_bytes(path, LARGEST_DIALOGUE)).splitlines()]
    head = next((place for place, row in enumerate(rows) if any(cell.strip().lower() in _HEAD for cell in row)), None)
    if head is None:
        raise ExchangeError(f"{path} is no table of events: it has no column Behavior")
    names = [cell.strip().lower() for cell in rows[head]]
    events: list[tuple[str, str, str, str, float, float | None, str]] = []
    for number, row in enumerate(rows[head + 1 :], head + 2):
        cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
        behavior = cells.get("behavior", cells.get("behaviour", ""))
        begin = plain_seconds(cells.get("start (s)", cells.get("time", cells.get("start", ""))))
        if not behavior or begin is None:
            continue
        end = plain_seconds(cells.get("stop (s)", cells.get("stop", "")))
        whose = cells.get("observation id", ""), cells.get("subject", ""), behavior
        status = cells.get("status", cells.get("behavior type", "")).upper()
        events.append((*whose, f"{path.name}, line {number}", begin, end, status))
    _take_events(path, events, places, inbox)


def read_boris_project(path: Path, places: Places, inbox: Inbox) -> None:
    """Take the events of every observation of a project. Raises ExchangeError when it is none."""
    try:
        tree = json.loads(decoded(path, read_bytes(path, LARGEST_DIALOGUE)))
        observations = tree["observations"].items()
        kinds = {one["code"]: str(one["type"]).lower() for one in tree["behaviors_conf"].values()}
        events = []
        for name, observation in observations:
            for number, (time, subject, code, *_) in enumerate(observation["events"], 1):
                status = "POINT" if kinds.get(code, "").startswith("point") else ""
                where = f"{path.name}, event {number} of {name[:40]}"
                events.append((str(name), str(subject), str(code), where, float(time), None, status))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ExchangeError(f"{path} is no project of BORIS: open it there and save it again") from error
    _take_events(path, events, places, inbox)


def _take_events(path: Path, events: list[Any], places: Places, inbox: Inbox) -> None:
    """Pair beginnings with ends, and place the events of each observation in the dialogue that it is named after."""
    found: dict[str, list[TimedLine]] = {}
    begun: dict[tuple[str, str, str], tuple[float, str]] = {}
    for observation, subject, code, where, time, end, status in sorted(events, key=lambda one: one[4]):
        key = observation, subject, code
        if end is None and status != "POINT":
            if key not in begun:
                begun[key] = time, where
                continue
            (time, where), end = begun.pop(key), time
        found.setdefault(observation, []).append(_line(where, time, time if end is None else end, code, subject, ""))
    for (_, _, code), (_, where) in begun.items():
        inbox.refuse(where, code, "it begins and never ends")
    for observation, lines in found.items():
        _take_observation(path, observation, lines, places, inbox)


def _take_observation(path: Path, observation: str, lines: list[TimedLine], places: Places, inbox: Inbox) -> None:
    known = [line for line in lines if inbox.knows(line.emotion)]
    other = list(dict.fromkeys(line.emotion for line in lines if line not in known))
    if other:
        reason = f"its codes are no emotions of this corpus{inbox.hint([code.lower() for code in other])}"
        inbox.refuse(path.name, f"{len(lines) - len(known)} events", reason)
    if known:
        take_lines(known, _dialogue(path, observation, places), inbox)


def _dialogue(path: Path, observation: str, places: Places) -> Dialogue:
    for name in filter(None, (observation.strip(), path.stem)):
        try:
            return places.dialogue(path.with_name(f"{name.replace('/', '_')}{path.suffix}"))
        except (NoPlaceError, ValueError):
            continue
    return places.dialogue(path)


def _line(where: str, start: float, end: float, emotion: str, speaker: str, words: str) -> TimedLine:
    begin, stop = round(1000 * min(start, 1e7)), round(1000 * min(end, 1e7))
    return TimedLine(where=where, start=begin, end=max(begin, stop), emotion=emotion, speaker=speaker, words=words)


def looks_like_audacity(path: Path) -> bool:
    """Whether a text file begins as a track of labels does."""
    try:
        with path.open("rb") as file:
            first = file.readline(500).decode("utf-8", errors="replace")
    except OSError:
        return False
    return _LABEL.fullmatch(first.rstrip()) is not None
