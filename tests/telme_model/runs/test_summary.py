"""A finished run is summed up: its scores, the run before it, and what it left out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from telme_model.corpus.dialogue import Split
from telme_model.events import Event
from telme_model.media.reader import MediaError
from telme_model.runs.facts import read_run
from telme_model.runs.folder import RunFolder
from telme_model.runs.summary import Summary, excluded, summarise
from tests.support.runs import copied_run


def summed_up(run: Path, others: Sequence[Path]) -> Summary:
    returned: list[Summary] = []

    def walk() -> Iterator[Event]:
        returned.append((yield from summarise(run, others)))

    list(walk())
    return returned[0]


def test_the_scores_are_those_of_test_in_the_order_of_the_models(tmp_path: Path) -> None:
    run = copied_run(tmp_path, "one")
    summary = summed_up(run, [])
    facts = read_run(run)
    assert (summary.split, summary.before, summary.seconds) == (Split.TEST, None, facts.seconds)
    assert [score.model for score in summary.scores] == ["teacher", "audio", "visual", "fused"]
    assert summary.scores == tuple(facts.test.values())


def test_only_finished_runs_that_began_before_on_the_same_corpus_are_the_one_before(tmp_path: Path) -> None:

    def copy(name: str, **facts: object) -> Path:
        return copied_run(tmp_path, name, lambda tree: tree.update(facts))

    mine = copy("mine", created="2026-03-03T00:00:00+0000")
    older = copy("older", created="2026-01-01T00:00:00+0000")
    old = copy("old", created="2026-02-02T00:00:00+0000")
    newer = copy("newer", created="2026-04-04T00:00:00+0000")
    corpus = RunFolder(mine).facts["corpus"]
    foreign = copy("foreign", created="2026-03-01T00:00:00+0000", corpus={**corpus, "fingerprint": "another"})
    unscored = copy("unscored", created="2026-03-01T00:00:00+0000")
    (unscored / "scores.json").unlink()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "scores.json").write_text("{}", encoding="utf-8")
    summary = summed_up(mine, [mine, older, old, newer, foreign, unscored, broken])
    assert summary.before is not None
    assert (summary.before.run, summary.before.other) == (mine, old)
    assert (summary.before.difference, summary.before.changed) == (0.0, 0)


def test_what_was_left_out_is_summed_up_by_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "My series v1.2 is here"
    clips = [folder / f"dia{number}.utt has 2.mp4" for number in range(3)]
    said = [(str(MediaError(clip, "does not exist")), ["audio", "visual"]) for clip in clips]
    said += [(str(MediaError(clips[0], "has no sound")), ["audio"])]
    said += [("The corpus holds no picture for this turn of its dev split.", ["visual"])]
    entries = [
        {"turn": f"dev/dia0_utt{number}", "modality": modality, "reason": reason}
        for number, (reason, modalities) in enumerate(said)
        for modality in modalities
    ]
    assert [(part.modality, part.reason, len(part.turns)) for part in excluded(entries)] == [
        ("audio and visual", "its clip does not exist", 3),
        ("audio", "its clip has no sound", 1),
        ("visual", "The corpus holds no picture for this turn of its dev split", 1),
    ]
