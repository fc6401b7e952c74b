"""Damaged files of every kind, read by everything of ours that reads such: what is raised, how long, how much memory.

    python -m tests.benchmarks.fuzz --seconds 600 --seed 0

Right is: no error but the program's own, no input over 20 s, no process over 1 GB. `--only store --input 17` repeats
one input, and shows its traceback.
"""

import argparse
import multiprocessing
import random
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from telme_model.errors import StudioError
from tests.support.hostile import Bench, Target
from tests.support.mutations import mutated, whole

SECONDS = 20.0  # that one input may take
PEAK = 1 << 30  # bytes that a process may hold
WORKERS = 2

Fault = tuple[str, str]  # what was raised and where, and its traceback
Case = tuple[str, int]  # a target's name and the input's number


def try_one(target: Target, name: str, number: int, seed: int) -> list[Fault]:
    """Damage one file of the target, let everything read it, and put it back; what was raised that is not ours."""
    rng = random.Random(f"{seed} {name} {number}")
    file = rng.choice(target.files)
    kept = {file: whole(file), **target.beside}
    faults = []
    try:
        file.write_bytes(mutated(rng, file.name, kept[file]))
        for use in target.uses():
            try:
                use()
            except StudioError:
                pass
            except Exception as error:  # noqa: BLE001 - what it is about
                last = traceback.extract_tb(error.__traceback__)
                ours = [frame for frame in last if "telme_" in frame.filename] or list(last)
                place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
                faults.append((f"{type(error).__name__} at {place}", f"{file.name}: {traceback.format_exc()}"))
    finally:
        for good, data in kept.items():
            with suppress(OSError):
                good.write_bytes(data)
    return faults


def _work(root: Path, seed: int, pipe: Connection) -> None:
    """Try what comes, until nothing does."""
    import torch

    torch.set_num_threads(1)
    targets = Bench(root).targets()
    for target in targets.values():  # the libraries are loaded, and nothing is wrong with what is whole
        for use in target.uses():
            with suppress(StudioError):  # two runs of different corpora are not compared
                use()
    pipe.send(sorted(targets))
    while (case := pipe.recv()) is not None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
        faults = try_one(targets[case[0]], case[0], case[1], seed)
        pipe.send((faults, _peak()))


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


class _Worker:
    """A process that tries inputs in a folder of its own, and is begun anew where one hangs or ends it."""

    def __init__(self, made: Path, seed: int) -> None:
        self._made, self._seed = made, seed
        self._start()

    def _start(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="fuzz-"))
        shutil.copytree(self._made, self._root, dirs_exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self._process = context.Process(target=_work, args=(self._root, self._seed, other), daemon=True)
        self._process.start()
        other.close()
        self.names: list[str] = self.pipe.recv()

    def give(self, case: Case) -> None:
        self.case, self.began = case, time.monotonic()
        self.pipe.send(case)

    def result(self) -> tuple[list[Fault], int] | None:
        """What came of the input, None while it is being tried."""
        try:
            if self.pipe.poll():
                found: tuple[list[Fault], int] = self.pipe.recv()
                return found
        except EOFError:
            return self._anew("the process ended")
        return self._anew(f"over {SECONDS:.0f} s") if time.monotonic() - self.began > SECONDS else None

    def _anew(self, reason: str) -> tuple[list[Fault], int]:
        self.end()
        self._start()
        return [(reason, "")], 0

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        shutil.rmtree(self._root, ignore_errors=True)


def fuzz(made: Path, seconds: float, seed: int, only: str) -> Iterator[tuple[Case, list[Fault], int]]:
    """Every input's faults and peak, until the time is over."""
    workers = [_Worker(made, seed) for _ in range(WORKERS)]
    names = [name for name in workers[0].names if name.startswith(only)]
    cases = ((name, number) for number in range(10**9) for name in names)
    until = time.monotonic() + seconds
    busy = dict.fromkeys(workers, False)
    try:
        while any(busy.values()) or time.monotonic() < until:
            for worker in workers:
                if busy[worker] and (result := worker.result()) is not None:
                    busy[worker] = False
                    yield worker.case, *result
                if not busy[worker] and time.monotonic() < until:
                    worker.give(next(cases))
                    busy[worker] = True
            time.sleep(0.001)
    finally:
        for worker in workers:
            worker.end()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="the beginning of the targets' names")
    parser.add_argument("--input", type=int, help="this one alone, with its traceback")
    parser.add_argument("--good", type=Path, help="where the good files are kept for another time")
    options = parser.parse_args()
    made = options.good or Path(tempfile.mkdtemp(prefix="fuzz-good-"))
    try:
        if not (made / "release").exists():
            Bench(made).make()
        if options.input is not None:
            for name, target in Bench(made).targets().items():
                if name.startswith(options.only):
                    for kind, trace in try_one(target, name, options.input, options.seed):
                        print(f"{name} {options.input}: {kind}\n{trace}")
            return 0
        return _report(fuzz(made, options.seconds, options.seed, options.only))
    finally:
        if options.good is None:
            shutil.rmtree(made, ignore_errors=True)


def _report(results: Iterator[tuple[Case, list[Fault], int]]) -> int:
    inputs, wrong, first, peak = Counter[str](), Counter[str](), dict[str, tuple[Case, str]](), (0, "")
    for case, faults, held in results:
        inputs[case[0]] += 1
        peak = max(peak, (held, f"{case[0]} {case[1]}"))
        for kind, trace in [*faults, *([("over 1 GB", "")] if held > PEAK else [])]:
            wrong[kind] += 1
            first.setdefault(kind, (case, trace))
    for kind, count in wrong.most_common():
        (name, number), trace = first[kind]
        print(f"{count:5} {kind}: first --only '{name}' --input {number}\n{trace[-1500:]}")
    for name, count in sorted(inputs.items()):
        print(f"{count:6} {name}")
    most = f"highest peak {peak[0] / 2**20:.0f} MiB ({peak[1]})"
    print(f"{inputs.total():,} inputs, {wrong.total()} faults of {len(wrong)} kinds; {most}")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
