"""The builder of demo corpora: MELD's layout, the same result however it was reached, and a sentence when it cannot."""

import csv
import itertools
import shutil
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from telme_model.corpus.dialogue import Split
from telme_model.corpus.emotions import MELD
from telme_model.demo import builder, voices
from telme_model.demo.builder import CLIP_FOLDERS, COLUMNS, DemoError, make_demo, share_dialogues
from telme_model.demo.story import Cue, ScriptTurn
from telme_model.events import Event, Phase, Progress, StageStarted
from tests.support.released import Meld

FPS = 5
ONE_EACH = dict.fromkeys(Split, 1)

pytestmark = [
    pytest.mark.slow,  # the demo is built anew when it changes, and not else
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="the program espeak-ng is not installed"),
]


def make_small(
    folder: Path,
    *,
    dialogues: Mapping[Split, int] | int = ONE_EACH,
    seed: int = 5,
    texts: Path | None = None,
    workers: int = 1,
) -> Generator[Event, None, None]:
    yield from make_demo(
        folder, dialogues=dialogues, seed=seed, texts=texts, workers=workers, width=96, height=54, fps=FPS
    )


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def seconds(time: str) -> float:
    hours, minutes, rest = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))


def frames(clip: Path) -> NDArray[np.uint8]:
    with av.open(str(clip)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "corpus"
    events = list(make_small(folder))
    started = events[0]
    assert isinstance(started, StageStarted)
    progress = [event.done for event in events if isinstance(event, Progress) and event.phase is Phase.PREPARING]
    assert progress == list(range(1, started.steps + 1))
    return folder


def test_layout_columns_and_ids_are_melds(corpus: Path) -> None:
    for split, clips in CLIP_FOLDERS.items():
        turns = rows(corpus / f"{split}_sent_emo.csv")
        assert tuple(turns[0]) == COLUMNS
        assert [turn["Sr No."] for turn in turns] == [str(number) for number in range(1, len(turns) + 1)]
        assert {turn["Emotion"] for turn in turns} <= set(MELD.labels)
        assert all(turn["Sentiment"] in {"positive", "negative", "neutral"} for turn in turns)
        named = {f"dia{turn['Dialogue_ID']}_utt{turn['Utterance_ID']}.mp4" for turn in turns}
        assert named == {path.name for path in (corpus / clips).iterdir()}


def test_header_and_line_ends_are_those_of_the_released_files(corpus: Path, meld: Meld) -> None:
    real = (meld.root / "dev_sent_emo.csv").read_bytes().splitlines(keepends=True)[0]
    assert (corpus / "dev_sent_emo.csv").read_bytes().splitlines(keepends=True)[0] == real


def test_clips_are_h264_and_aac_and_as_long_as_the_annotation_says(corpus: Path) -> None:
    for turn in rows(corpus / "test_sent_emo.csv"):
        clip = corpus / CLIP_FOLDERS[Split.TEST] / f"dia{turn['Dialogue_ID']}_utt{turn['Utterance_ID']}.mp4"
        head = clip.read_bytes()
        assert head.find(b"moov") < head.find(b"mdat")  # can be played before it is all there
        with av.open(str(clip)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert (video.codec.name, video.pix_fmt, audio.codec.name, audio.channels) == ("h264", "yuv420p", "aac", 1)
        annotated = seconds(turn["EndTime"]) - seconds(turn["StartTime"])
        assert len(frames(clip)) / FPS == pytest.approx(annotated, abs=0.002)
        assert 0.799 <= annotated <= 6.001


def test_an_episode_never_runs_backwards_across_the_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "make_clip", lambda job: 2)
    list(make_demo(tmp_path / "corpus", dialogues=21, seed=1, workers=1))
    spans: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for split in Split:
        for turn in rows(tmp_path / "corpus" / f"{split}_sent_emo.csv"):
            span = seconds(turn["StartTime"]), seconds(turn["EndTime"])
            spans.setdefault((turn["Season"], turn["Episode"]), []).append(span)
    assert len(spans) >= 3
    for episode in spans.values():
        ordered = sorted(episode)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(ordered))


def test_the_cues_name_every_turn(corpus: Path) -> None:
    turns = [(split, turn["Dialogue_ID"], turn["Utterance_ID"]) for split in Split
             for turn in rows(corpus / f"{split}_sent_emo.csv")]  # fmt: skip
    cues = rows(corpus / "cues.csv")
    assert [(cue["split"], cue["dialogue"], cue["utterance"]) for cue in cues] == turns
    assert {cue["cue"] for cue in cues} <= set(Cue)
    assert "synthetic" in (corpus / "README.txt").read_text(encoding="utf-8")


def test_a_build_that_was_stopped_continues_and_ends_the_same_in_several_processes(
    corpus: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    stopped = make_small(folder)
    for _ in range(4):
        next(stopped)
    stopped.close()
    kept = sorted(folder.glob("*/*.mp4"))
    assert len(kept) == 3
    stamps = [path.stat().st_mtime_ns for path in kept]
    list(make_small(folder, workers=2))
    assert [path.stat().st_mtime_ns for path in kept] == stamps
    assert contents(folder) == contents(corpus)
    clips = sorted(folder.glob("*/*"))
    assert [clip.name for clip in clips] == [clip.name for clip in sorted(corpus.glob("*/*"))]
    for clip in clips[::5]:
        ours, theirs = (frames(path).astype(int) for path in (clip, corpus / clip.relative_to(folder)))
        assert np.abs(ours - theirs).mean() < 0.2  # x264 may choose otherwise here and there, by a few grey levels


def test_other_settings_or_other_content_are_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="other settings"):
        list(make_small(corpus, seed=6))
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(DemoError, match="not empty"):
        list(make_small(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_folder_that_cannot_be_written_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoError, match=r"cannot be written.*ot a directory"):
        list(make_small(tmp_path / "file" / "corpus"))


def test_a_full_disk_gives_a_sentence_and_leaves_no_half_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="limits on file sizes are a thing of POSIX")
    import signal

    # eSpeak NG would meet the limit, too.
    monkeypatch.setattr(voices, "speak", lambda *_: np.sin(np.arange(22_050) / 10).astype(np.float32))
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(DemoError, match="cannot be written"):
            list(make_small(tmp_path / "corpus"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not list((tmp_path / "corpus").glob("*/*"))


def test_clips_can_be_made_for_the_released_annotations(meld: Meld, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    list(make_small(folder, dialogues={Split.DEV: 2}, texts=meld.root))
    real = [turn for turn in rows(meld.root / "dev_sent_emo.csv") if int(turn["Dialogue_ID"]) < 2]
    same = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID", "Season", "Episode")
    made = rows(folder / "dev_sent_emo.csv")
    assert [[turn[name] for name in same] for turn in made] == [[turn[name] for name in same] for turn in real]
    assert len(list((folder / CLIP_FOLDERS[Split.DEV]).iterdir())) == len(real)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Utterance,Speaker\nHello,Ann\n", "lacks the column"),
        (f"{','.join(COLUMNS)}\n1,Hello,Ann,bliss,positive,0,0,1,1,x,y\n", "line 2"),
        (f"{','.join(COLUMNS)}\n1,Hello,Ann,joy,positive,zero,0,1,1,x,y\n", "line 2"),
        (f"{','.join(COLUMNS)}\n1,Hello,Ann,joy\n", "line 2"),
        (f"{','.join(COLUMNS)}\n", "no MELD annotations"),
    ],
)
def test_texts_that_are_not_melds_are_refused_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "train_sent_emo.csv").write_text(text)
    with pytest.raises(DemoError, match=reason):
        list(make_small(tmp_path / "corpus", dialogues=3, texts=tmp_path))


def test_dialogues_are_shared_60_8_16() -> None:
    assert share_dialogues(84) == {Split.TRAIN: 60, Split.DEV: 8, Split.TEST: 16}
    assert share_dialogues(3) == dict.fromkeys(Split, 1)
    with pytest.raises(DemoError, match="at least 3"):
        share_dialogues(2)


@pytest.mark.parametrize(
    ("cue", "channel", "gold"),
    [
        (Cue.VOICE, Cue.VOICE, 1 - builder.MISACTED),
        (Cue.VOICE, Cue.FACE, 0.0),
        (Cue.ALL, Cue.FACE, 1 - builder.MISACTED),
        (Cue.TEXT, Cue.VOICE, 0.0),
    ],
)
def test_a_channel_acts_where_the_cue_lies_with_noise(cue: Cue, channel: Cue, gold: float) -> None:
    rng = np.random.default_rng(0)
    turn = ScriptTurn("Mara", "Okay.", "anger", cue)
    acted = [builder._acted(turn, channel, rng) for _ in range(4000)]
    shown = Counter(emotion for emotion, _ in acted)
    assert shown["anger"] / 4000 == pytest.approx(gold, abs=0.015)
    if gold:
        assert all(builder.INTENSITY[0] <= intensity <= 1.0 for _, intensity in acted)
    else:
        assert shown["neutral"] / 4000 == pytest.approx(0.85, abs=0.02)
        assert all(intensity <= 0.3 for emotion, intensity in acted if emotion != "neutral")
    neutral = replace(turn, emotion="neutral", cue=Cue.ALL)
    assert {builder._acted(neutral, channel, rng)[0] for _ in range(300)} == set(MELD.labels)
