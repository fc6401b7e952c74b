"""Makes a demo corpus in MELD's layout: scripted turns, spoken by `voices`, drawn by `faces`, encoded as mp4 clips.

Every turn has its own random numbers, drawn from the seed and the turn's identity: the result does not depend on the
number of processes, and an interrupted build continues where it was.
"""

import csv
import hashlib
import io
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

import av
import numpy as np
from numpy.typing import NDArray

from telme_model.corpus.dialogue import Clip, Modality, Split
from telme_model.corpus.emotions import MELD
from telme_model.demo import faces, story, voices
from telme_model.demo.story import Cue, ScriptDialogue, ScriptTurn
from telme_model.errors import StudioError
from telme_model.events import Event, Phase, Progress, StageDone, StageStarted
from telme_model.media.reader import open_clip
from telme_model.media.workers import leave_if_not_meant, without_guard

CLIP_FOLDERS = {
    Split.TRAIN: "train_splits",
    Split.DEV: "dev_splits_complete",
    Split.TEST: "output_repeated_splits_test",
}
COLUMNS = ("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season",
           "Episode", "StartTime", "EndTime")  # fmt: skip
SENTIMENTS = {"neutral": "neutral", "joy": "positive"}  # the others are negative; MELD's surprise is, by a little
SPLIT_RATIO = {Split.TRAIN: 60, Split.DEV: 8, Split.TEST: 16}
CUE_SHARES = {Cue.TEXT: 0.27, Cue.VOICE: 0.26, Cue.FACE: 0.26, Cue.ALL: 0.21}  # for texts that come without cues

SHORTEST, LONGEST = 0.8, 6.0  # seconds of a clip; what takes longer to say is cut off
MISACTED = 0.06  # how often a voice or a face that acts shows some other emotion
STRAY, STRAY_INTENSITY = 0.15, 0.3  # how often, and up to how strongly, one that does not act shows something
INTENSITY = (0.6, 1.0)
ROOM_NOISE = 0.0006  # of full scale
SCENE_BREAK = 20.0  # seconds of the episode between two dialogues

README = """\
This corpus is synthetic: an original mini-series with written words, computer voices and drawn faces. Nobody in it
exists, and no recording of anyone was used. It has the layout of MELD (CSV files and folders of clips), so that
whatever reads MELD reads it. cues.csv says in which of text, voice and face (or all) each turn shows its emotion;
nothing is trained on that file.
Fingerprint of script and settings: {fingerprint}
"""

VIDEO_OPTIONS = {"crf": "34", "preset": "slow", "tune": "animation", "threads": "1"}
AUDIO_BIT_RATE = 20_000


class DemoError(StudioError):
    """A demo corpus cannot be made there, or from that; the message is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipJob:
    """One clip to make: all that a process needs to know."""

    path: Path
    split: Split
    dialogue: int
    utterance: int
    turn: ScriptTurn
    seed: int
    width: int
    height: int
    fps: int

    def rng(self) -> np.random.Generator:
        """The turn's own random numbers."""
        return np.random.default_rng([self.seed, list(Split).index(self.split), self.dialogue, self.utterance])


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedDialogue:
    """A scripted dialogue with its identity in the corpus: its number in the split, and a number for every turn."""

    split: Split
    number: int
    utterances: tuple[int, ...]
    script: ScriptDialogue


def make_demo(
    folder: Path,
    *,
    dialogues: Mapping[Split, int] | int,
    seed: int,
    texts: Path | None = None,
    workers: int = os.cpu_count() or 1,
    width: int = 480,
    height: int = 270,
    fps: int = 15,
) -> Iterator[Event]:
    """Write a synthetic corpus of so many `dialogues` (split 60 : 8 : 16 when given as one number) to `folder`.

    With `texts` (a folder of MELD's annotations, or one such file) words, speakers, emotions, ids and splits come
    from there, and `dialogues` is the most that is taken. Closing the iterator stops; a later call with the same
    arguments continues. Raises DemoError where that cannot be, and voices.SpeechError without eSpeak NG.
    """
    leave_if_not_meant()
    counts = share_dialogues(dialogues) if isinstance(dialogues, int) else dict(dialogues)
    placed = _written(counts, seed) if texts is None else _from_texts(texts, counts, seed)
    jobs = [
        ClipJob(path=folder / CLIP_FOLDERS[dialogue.split] / f"dia{dialogue.number}_utt{utterance}.mp4",
                split=dialogue.split, dialogue=dialogue.number, utterance=utterance, turn=turn,
                seed=seed, width=width, height=height, fps=fps)
        for dialogue in placed
        for utterance, turn in zip(dialogue.utterances, dialogue.script.turns, strict=True)
    ]  # fmt: skip
    began = monotonic()
    yield StageStarted(phase=Phase.PREPARING, steps=len(jobs), turns=len(jobs))
    try:
        _prepare(folder, jobs)
        durations: dict[Path, Fraction] = {}
        for path, duration in _make_clips(jobs, workers):
            durations[path] = duration
            yield Progress(phase=Phase.PREPARING, done=len(durations), total=len(jobs), unit="clips")
        _write_annotations(folder, placed, jobs, durations)
    except BrokenProcessPool as error:
        raise DemoError("A process that makes clips was killed, for want of memory perhaps; start again, with fewer "
                        "workers: what is done is kept.") from error  # fmt: skip
    except (OSError, av.FFmpegError) as error:
        raise DemoError(f"The demo corpus cannot be written to {folder}: {error.strerror or error}.") from error
    yield StageDone(phase=Phase.PREPARING, seconds=monotonic() - began)


def share_dialogues(total: int) -> dict[Split, int]:
    """`total` dialogues shared 60 : 8 : 16, at least one a split. Raises DemoError below three."""
    if total < len(SPLIT_RATIO):
        raise DemoError(f"A demo corpus needs at least 3 dialogues, one a split; {total} were asked for.")
    dev, test = (
        max(1, round(total * SPLIT_RATIO[split] / sum(SPLIT_RATIO.values()))) for split in (Split.DEV, Split.TEST)
    )
    return {Split.TRAIN: total - dev - test, Split.DEV: dev, Split.TEST: test}


def _written(counts: Mapping[Split, int], seed: int) -> list[PlacedDialogue]:
    return [
        PlacedDialogue(split=split, number=number, utterances=tuple(range(len(script.turns))), script=script)
        for split, scripts in story.write_series(counts, seed).items()
        for number, script in enumerate(scripts)
    ]


def _from_texts(texts: Path, counts: Mapping[Split, int], seed: int) -> list[PlacedDialogue]:
    """The first dialogues of each split of MELD's annotations; the cue of every turn is drawn."""
    files = [texts] if texts.is_file() else [texts / f"{split}_sent_emo.csv" for split in Split]
    placed: list[PlacedDialogue] = []
    for file in filter(Path.is_file, files):
        split = next((split for split in Split if split in file.name.lower()), Split.TRAIN)
        rows: defaultdict[int, list[dict[str, str]]] = defaultdict(list)
        for row in _read_rows(file):
            rows[int(row["Dialogue_ID"])].append(row)
        for number, turns in list(rows.items())[: counts.get(split, 0)]:
            rng = np.random.default_rng([seed, list(Split).index(split), number])
            script = ScriptDialogue(int(turns[0]["Season"]), int(turns[0]["Episode"]),
                                    tuple(_cued(row, rng) for row in turns))  # fmt: skip
            utterances = tuple(int(row["Utterance_ID"]) for row in turns)
            placed.append(PlacedDialogue(split=split, number=number, utterances=utterances, script=script))
    if not placed:
        raise DemoError(f"{texts} holds no MELD annotations: give a folder with train_sent_emo.csv, or one such file.")
    return placed


def _read_rows(file: Path) -> Iterator[dict[str, str]]:
    """The rows of one of MELD's CSV files. Raises DemoError naming the row and what is wrong with it."""
    try:
        reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline=""))
        if missing := set(COLUMNS[1:9]) - set(reader.fieldnames or ()):
            raise DemoError(f"{file} lacks the column {sorted(missing)[0]}, which MELD's annotations have.")
        for row in reader:
            numbers = [row[name] or "" for name in COLUMNS[5:9]]
            if row["Emotion"] not in MELD.labels or not all(number.isdecimal() for number in numbers):
                raise DemoError(f"{file}, line {reader.line_num}: not a turn of MELD (an emotion and four numbers).")
            yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DemoError(f"{file} cannot be read as a UTF-8 CSV file: {error}.") from error


def _cued(row: Mapping[str, str], rng: np.random.Generator) -> ScriptTurn:
    cue = Cue.ALL if row["Emotion"] == "neutral" else list(CUE_SHARES)[rng.choice(4, p=list(CUE_SHARES.values()))]
    return ScriptTurn(row["Speaker"], row["Utterance"], row["Emotion"], cue)


def _prepare(folder: Path, jobs: Sequence[ClipJob]) -> None:
    """Make the folders, or see that those there belong to this very corpus. Raises DemoError where they do not."""
    scripted = [
        (job.path.relative_to(folder).as_posix(), job.seed, job.turn, job.width, job.height, job.fps) for job in jobs
    ]
    readme = README.format(fingerprint=hashlib.sha256(repr(scripted).encode()).hexdigest()[:16])
    file = folder / "README.txt"
    if file.is_file() and file.read_text(encoding="utf-8", errors="replace") != readme:
        raise DemoError(f"{folder} holds a demo corpus made with other settings; choose another folder or delete it.")
    if not file.is_file() and folder.exists() and any(folder.iterdir()):
        raise DemoError(f"{folder} is not empty; choose a new folder for the demo corpus.")
    for split in Split:
        (folder / CLIP_FOLDERS[split]).mkdir(parents=True, exist_ok=True)
    file.write_text(readme, encoding="utf-8")


def _make_clips(jobs: Sequence[ClipJob], workers: int) -> Iterator[tuple[Path, Fraction]]:
    """Every clip's path and duration in seconds, as they become ready; those that lie there are only looked at."""
    missing = [job for job in jobs if not job.path.is_file()]
    for job in jobs:
        if job.path.is_file():
            yield job.path, _duration(job)
    if workers <= 1:
        for job in missing:
            yield job.path, make_clip(job)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))  # a fork would copy the caller's threads
    processes = pool._processes  # it lets go of them when one has died
    try:
        futures = {pool.submit(make_clip, job): job.path for job in missing}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        if why := without_guard(processes.values()):
            raise DemoError(why) from None
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _duration(job: ClipJob) -> Fraction:
    with open_clip(Clip(job.path)) as reader:
        return Fraction(round(reader.length(Modality.VISUAL) * job.fps), job.fps)  # a whole number of frames


def make_clip(job: ClipJob) -> Fraction:
    """Speak, draw and encode one turn; returns the duration in seconds. The file appears only when it is complete."""
    rng = job.rng()
    shown_by_voice = _acted(job.turn, Cue.VOICE, rng)
    shown_by_face = _acted(job.turn, Cue.FACE, rng)
    delivery = voices.delivery_of(*shown_by_voice, rng)
    speech = voices.speak(job.turn.text, _voice(job.turn.speaker), delivery, rng)
    sound = _in_a_room(speech, job.fps, rng)
    look, expression = _look(job.turn.speaker), faces.expression_of(*shown_by_face, rng)
    frames = faces.draw_clip(look, expression, _loudness(sound, job.fps), fps=job.fps, width=job.width,
                             height=job.height, rng=rng)  # fmt: skip
    part = job.path.with_name(f".{job.path.stem}.{os.getpid()}.part")
    try:
        _encode(part, frames, sound, job)
        part.replace(job.path)
    finally:
        part.unlink(missing_ok=True)
    return Fraction(len(sound), voices.SAMPLE_RATE)


def _acted(turn: ScriptTurn, channel: Cue, rng: np.random.Generator) -> tuple[str, float]:
    """The emotion, and how strongly, that a voice or a face shows in `turn`: the script's, if the cue is there."""
    others = [label for label in MELD.labels if label not in (turn.emotion, "neutral")]
    other = str(rng.choice(others))
    chance, strength, stray_strength = rng.random(), rng.uniform(*INTENSITY), rng.uniform(0.0, STRAY_INTENSITY)
    if turn.cue in (channel, Cue.ALL):
        return (other if chance < MISACTED else turn.emotion), strength
    return (other, stray_strength) if chance < STRAY else ("neutral", 1.0)


def _voice(speaker: str) -> voices.Voice:
    """The character's own voice, or for anyone else one that always goes with the name."""
    return voices.VOICES.get(speaker) or voices.random_voice(_rng_of_name(speaker))


def _look(speaker: str) -> faces.Look:
    return faces.LOOKS.get(speaker) or faces.random_look(_rng_of_name(speaker))


def _rng_of_name(speaker: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(speaker.encode()))


def _in_a_room(speech: voices.Waveform, fps: int, rng: np.random.Generator) -> voices.Waveform:
    """Speech with a moment of quiet room before and after, a whole number of frames long."""
    rate = voices.SAMPLE_RATE
    before, after = (int(rate * rng.uniform(*span)) for span in ((0.06, 0.16), (0.12, 0.25)))
    speech = speech[: int(rate * LONGEST) - before - after].copy()
    fade = np.linspace(1.0, 0.0, min(rate // 50, len(speech)))
    speech[-len(fade) :] *= fade
    seconds = max((before + len(speech) + after) / rate, SHORTEST)
    sound = rng.normal(0.0, ROOM_NOISE, round(seconds * fps) * rate // fps)
    sound[before : before + len(speech)] += speech[: len(sound) - before]
    return sound.clip(-1.0, 1.0).astype(np.float32)


def _loudness(sound: voices.Waveform, fps: int) -> NDArray[np.float64]:
    """Loudness of every frame, 0 to 1 of the turn's own loudest: a mouth must not tell how loud the whole turn is."""
    frames = sound.reshape(-1, voices.SAMPLE_RATE // fps)
    level = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1))
    return np.asarray(level / level.max())


def _encode(path: Path, frames: Iterable[NDArray[np.uint8]], sound: voices.Waveform, job: ClipJob) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=job.fps, options=VIDEO_OPTIONS)
        video.width, video.height, video.pix_fmt = job.width, job.height, "yuv420p"
        audio = container.add_stream("aac", rate=voices.SAMPLE_RATE, bit_rate=AUDIO_BIT_RATE)
        audio.layout = "mono"
        for pixels in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
        samples = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        samples.sample_rate = voices.SAMPLE_RATE
        container.mux(audio.encode(samples))
        container.mux(audio.encode())


def _write_annotations(
    folder: Path, placed: Sequence[PlacedDialogue], jobs: Sequence[ClipJob], durations: Mapping[Path, Fraction]
) -> None:
    """The three CSV files and the cues. Each episode runs through its dialogues, those of the splits interleaved."""
    of_dialogue: defaultdict[tuple[Split, int], list[ClipJob]] = defaultdict(list)
    for job in jobs:
        of_dialogue[job.split, job.dialogue].append(job)
    clock: defaultdict[tuple[int, int], float] = defaultdict(lambda: SCENE_BREAK)
    times: dict[Path, tuple[float, float]] = {}
    last = {split: max((d.number for d in placed if d.split is split), default=0) + 1 for split in Split}
    for dialogue in sorted(placed, key=lambda d: (d.number / last[d.split], d.split)):
        episode = dialogue.script.season, dialogue.script.episode
        for job in of_dialogue[dialogue.split, dialogue.number]:
            end = clock[episode] + float(durations[job.path])
            times[job.path] = clock[episode], end
            clock[episode] = end + 0.1 + 0.4 * job.rng().random()
        clock[episode] += SCENE_BREAK
    episodes = {(d.split, d.number): (d.script.season, d.script.episode) for d in placed}
    for split in Split:
        rows = [
            (number, job.turn.text, job.turn.speaker, job.turn.emotion, SENTIMENTS.get(job.turn.emotion, "negative"),
             job.dialogue, job.utterance, *episodes[split, job.dialogue], *map(_time, times[job.path]))
            for number, job in enumerate((job for job in jobs if job.split is split), start=1)
        ]  # fmt: skip
        _write_csv(folder / f"{split}_sent_emo.csv", COLUMNS, rows)
    cues = [(job.split, job.dialogue, job.utterance, job.turn.cue) for job in jobs]
    _write_csv(folder / "cues.csv", ("split", "dialogue", "utterance", "cue"), cues)


def _time(seconds: float) -> str:
    """`seconds` as HH:MM:SS,mmm."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"


def _write_csv(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    part = file.with_name(f".{file.name}.part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)  # quotes what needs it and ends lines with CR LF, as MELD's files do
        writer.writerow(header)
        writer.writerows(rows)
    part.replace(file)
