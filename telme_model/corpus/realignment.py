"""MELD-FAIR (Carneiro et al. 2023): the windows of MELD's clips in which each turn really lies, by their table.

A row is a window: the turn by split, dialogue and its place among the dialogue's turns (MELD's own numbers have gaps),
and the clip by the numbers in its name, with start and end in seconds.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from telme_model.corpus.clips import split_named
from telme_model.corpus.dialogue import Clip, Corpus, CorpusError, Dialogue, Problem, Severity, Split, Turn
from telme_model.corpus.tables import Row, TableReport, any_seconds, read_header, read_rows, whole_number

_COLUMNS = {
    "split": ("split", "set", "subset"),
    "dialogue": ("dialogueid", "dialogue", "diaid"),
    "utterance": ("utteranceid", "utterance", "uttid"),
    "clip dialogue": ("originaldialogueid", "clipdialogueid", "videodialogueid", "origdialogueid"),
    "clip utterance": ("originalutteranceid", "cliputteranceid", "videoutteranceid", "origutteranceid"),
    "start": ("starttime", "start"),
    "end": ("endtime", "end"),
}

_Window = tuple[int, int, float, float]  # a clip's dialogue and utterance, start and end in seconds
_Windows = dict[tuple[Split, str], dict[int, list[_Window]]]  # by dialogue, by utterance


def realigned(corpus: Corpus, path: Path) -> Corpus:
    """The corpus with its turns' clips as this table has them; how many differ, and what is wrong, is told.

    Turns of a dialogue that the table has, but which are not in it themselves, have no clip. Raises CorpusError when it
    is no such table.
    """
    report = TableReport(path, remedy="download it again")
    windows = _read(report)
    if not windows:
        reason = next((p.reason for p in report.problems if p.severity is Severity.FATAL), "it holds no windows")
        raise CorpusError(f"{path} does not realign clips: {reason} Leave it out with --realigned auto.")
    places = _places(corpus)
    dialogues = tuple(_dialogue(dialogue, windows, places) for dialogue in corpus.dialogues)
    problems = (*corpus.problems, *report.problems, _summary(path, corpus, windows))
    return replace(corpus, dialogues=dialogues, problems=problems)


def _read(report: TableReport) -> _Windows:
    windows: _Windows = defaultdict(lambda: defaultdict(list))
    header = read_header(report)
    plain = {re.sub(r"[\W_]", "", column.lower()): column for column in header}
    columns = {name: next((plain[k] for k in known if k in plain), "") for name, known in _COLUMNS.items()}
    if lacking := [name for name, column in columns.items() if not column]:
        if header:
            reason = f"it has no column for {', '.join(lacking)} (its first row reads: {', '.join(header)[:120]})."
            report.add(Severity.FATAL, "missing-column", reason, row=1)
        return {}
    for row, values in read_rows(report):
        window = _window(report, row, {name: values[column] for name, column in columns.items()})
        if window is not None:
            split, dialogue, utterance, found = window
            windows[split, str(dialogue)][utterance].append(found)
    return {key: dict(turns) for key, turns in windows.items()}


def _window(report: TableReport, row: int, values: Row) -> tuple[Split, int, int, _Window] | None:
    split = split_named(values["split"])
    numbers = [whole_number(values[n]) for n in ("dialogue", "utterance", "clip dialogue", "clip utterance")]
    start, end = any_seconds(values["start"]), any_seconds(values["end"])
    if split is None or None in numbers or start is None or end is None or end <= start:
        reason = f"Row {row} names no window of a clip ({', '.join(values.values())[:80]}). The row is left out."
        report.add(Severity.WARNING, "bad-window", reason, row=row)
        return None
    dialogue, utterance, clip_dialogue, clip_utterance = (number or 0 for number in numbers)
    return split, dialogue, utterance, (clip_dialogue, clip_utterance, start, end)


def _rows_of(dialogue: Dialogue, windows: _Windows) -> Mapping[int, list[_Window]] | None:
    """The windows of each turn by its place in the dialogue; None for a dialogue that the table does not have.

    MELD-FAIR numbers turns by their place. A table that has a number beyond that has MELD's own numbers.
    """
    found = windows.get((dialogue.split, dialogue.name))
    if found is None or max(found) < len(dialogue.turns):
        return found
    return {place: found[turn.id.utterance] for place, turn in enumerate(dialogue.turns) if turn.id.utterance in found}


def _places(corpus: Corpus) -> Callable[[Split, int, int], Turn]:
    """What gives the turn whose clip has these numbers; for a clip without a row, one like it that lies beside."""
    by_id = {(turn.id.split, turn.id.dialogue, turn.id.utterance): turn for turn in corpus.turns()}
    any_of = {turn.id.split: turn for turn in corpus.turns() if turn.video or turn.audio}

    def turn_of(split: Split, dialogue: int, utterance: int) -> Turn:
        turn = by_id.get((split, str(dialogue), utterance)) or any_of.get(split)
        if turn is None or (turn.id.dialogue, turn.id.utterance) == (str(dialogue), utterance):
            return turn or next(corpus.turns(split))
        name = f"dia{dialogue}_utt{utterance}"
        beside = [clip and Clip(clip.path.with_stem(name)) for clip in (turn.video, turn.audio)]
        return replace(turn, video=beside[0], audio=beside[1])

    return turn_of


def _dialogue(dialogue: Dialogue, windows: _Windows, turn_of: Callable[[Split, int, int], Turn]) -> Dialogue:
    rows = _rows_of(dialogue, windows)
    if rows is None:
        return dialogue
    turns = []
    for place, turn in enumerate(dialogue.turns):
        sources = [(turn_of(dialogue.split, *window[:2]), *window[2:]) for window in rows.get(place, ())]
        video, audio = (
            _joined([(clip, start, end) for source, start, end in sources if (clip := getattr(source, name))])
            for name in ("video", "audio")
        )
        turns.append(replace(turn, video=video, audio=audio))
    return replace(dialogue, turns=tuple(turns))


def _joined(windows: list[tuple[Clip, float, float]]) -> Clip | None:
    clips = [Clip(clip.path, start, end, clip.sound) for clip, start, end in windows]
    return replace(clips[0], then=tuple(clips[1:])) if clips else None


def _summary(path: Path, corpus: Corpus, windows: _Windows) -> Problem:
    """How many turns lie where their number says, in part, elsewhere, and nowhere."""
    count = {"wholly": 0, "in part": 0, "elsewhere": 0, "nowhere": 0, "not told": 0}
    for dialogue in corpus.dialogues:
        rows = _rows_of(dialogue, windows)
        for place, turn in enumerate(dialogue.turns):
            found = (
                None
                if rows is None
                else [str(w[0]) == dialogue.name and w[1] == turn.id.utterance for w in rows.get(place, ())]
            )
            count[_kind(found)] += 1
    turns = sum(count.values())
    differ = turns - count["wholly"] - count["not told"]
    reason = (
        f"{differ:,} of {turns:,} turns are realigned by {path.name}. Only in part in the clip of their number: "
        f"{count['in part']:,}; in other clips alone: {count['elsewhere']:,}; in none, so with text only: "
        f"{count['nowhere']:,}; wholly in their own: {count['wholly']:,}."
    )
    if count["not told"]:
        reason += f" In dialogues that it does not have, with the clips they had: {count['not told']:,}."
    return Problem(severity=Severity.NOTE, code="realigned", file=path, reason=reason)


def _kind(own: list[bool] | None) -> str:
    if own is None:
        return "not told"
    if not own:
        return "nowhere"
    return "wholly" if all(own) else "in part" if any(own) else "elsewhere"
