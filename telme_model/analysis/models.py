"""Which models a run has: a teacher, its students, and their fusion; what everything that lists them asks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from telme_model.corpus.dialogue import Modality
from telme_model.events import Phase


class Role(StrEnum):
    """What a model is for in its run."""

    TEACHER = "teacher"
    STUDENT = "student"
    FUSED = "fused"


TEACHER, FUSED = str(Role.TEACHER), str(Role.FUSED)  # their fields in a record, whatever the modality


def student_key(modality: Modality) -> str:
    """The field of a student's prediction in a record (`text` holds the words)."""
    return "text_student" if modality is Modality.TEXT else str(modality)


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a run; `modality` is what it sees, None for the fusion, which sees all."""

    role: Role
    modality: Modality | None = None

    @property
    def key(self) -> str:
        """Its field in a prediction record, and its name in scores.json."""
        return student_key(self.modality) if self.modality and self.role is Role.STUDENT else str(self.role)

    @property
    def short(self) -> str:
        """Its name where columns are narrow: "teacher", "audio", "fused"."""
        return str(self.modality) if self.role is Role.STUDENT else str(self.role)

    @property
    def title(self) -> str:
        """Its name in full: "text teacher", "audio student", "fused"."""
        return f"{self.modality} {self.role}" if self.modality else str(self.role)

    @property
    def phase(self) -> Phase:
        """When it is trained."""
        return {Role.TEACHER: Phase.TEACHER, Role.FUSED: Phase.FUSION}.get(self.role) or Phase(self.title)

    @property
    def stage(self) -> str:
        """Its settings among a config's `stages`."""
        return {Role.TEACHER: "teacher", Role.FUSED: "fusion"}.get(self.role) or str(self.modality)


# Those that a run may have, in the order in which everything lists them; the teacher's modality is the run's.
ENCODERS = (Model(Role.TEACHER), *(Model(Role.STUDENT, modality) for modality in Modality))
FUSION = Model(Role.FUSED)
MODELS = (*ENCODERS, FUSION)
TITLES = {model.key: model.title for model in MODELS}


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a run in the order in which everything lists them: teacher, students, fused.

    `students` are in the order of `Modality`. `shifts` is whether the fusion moves the teacher's embedding (and a
    record has a displacement): with students, and by attention-based shifting.
    """

    teacher: Modality
    students: tuple[Modality, ...]
    shifts: bool

    def __iter__(self) -> Iterator[Model]:
        yield self[self.teacher]
        yield from (self[modality] for modality in self.students)
        yield FUSION

    def __len__(self) -> int:
        return len(self.students) + 2

    def __getitem__(self, modality: Modality) -> Model:
        """The model of a modality, as teacher or as student (also of one that does not take part)."""
        return Model(Role.TEACHER if modality is self.teacher else Role.STUDENT, modality)

    @property
    def lead(self) -> str:
        """The teacher's embedding in the paper's letters: F_T of text (equation 3), and likewise F_A and F_V."""
        return f"F_{self.teacher[0].upper()}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of a record that hold their predictions."""
        return tuple(model.key for model in self)

    @property
    def student_keys(self) -> tuple[str, ...]:
        """Those of the students."""
        return tuple(map(student_key, self.students))

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that take part, in the order in which everything lists them."""
        return tuple(m for m in Modality if m is self.teacher or m in self.students)


def models_of(teacher: Modality, students: Iterable[Modality], *, shifting: bool = True) -> Models:
    """The models of a run with this teacher and these students; `shifting`: its fusion is the paper's."""
    chosen = set(students)
    return Models(teacher, tuple(m for m in Modality if m in chosen), shifting and bool(chosen))


STANDARD = models_of(Modality.TEXT, (Modality.AUDIO, Modality.VISUAL))


def models_in(records: Sequence[Mapping[str, Any]]) -> Models:
    """The models that records (of one run) tell of; those of the standard run where there are none.

    A student says something, or is among what is missing; the teacher never is under its modality's name. Records
    without contributions do not name a teacher other than text: it is guessed from what is missing.
    """
    if not records:
        return STANDARD
    students = {
        modality
        for modality in Modality
        if any(
            record.get(student_key(modality)) is not None
            or modality in (record["shift_shares"] or {})
            or (modality in record["missing"] and record[TEACHER] is not None)
            for record in records
        )
    }
    named = {m for record in records for m in (*(record["shapley"] or {}), *record["missing"])}
    left = [m for m in Modality if m not in students]
    teacher = next((m for m in left if m in named), left[0] if left else Modality.TEXT)
    return models_of(teacher, students, shifting=any(record["displacement"] for record in records))
