"""What a drawn face does: twenty parameters, and which of them an emotion moves."""

from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt

from telme_model.corpus.emotions import MELD


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """The state of a face. 0 is rest everywhere; fields marked (0..1) have one direction, the others run -1..1.

    `nod`, `shake` and `tremble` are amplitudes of movement over a clip; all others are positions.
    """

    brow_raise: float = 0.0
    brow_angle: float = 0.0
    """Above 0: inner ends down (frown); below 0: inner ends up (worry)."""
    brow_skew: float = 0.0
    """Above 0: the brow at the right of the picture is raised, the other lowered."""
    eye_open: float = 0.0
    """-1 closed, 1 wide."""
    squint: float = 0.0
    """Lower lids and cheeks pushed up (0..1)."""
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    """Above 0: down."""
    mouth_curve: float = 0.0
    """Above 0: smile; below 0: corners down."""
    mouth_width: float = 0.0
    mouth_open: float = 0.0
    """(0..1)"""
    lip_press: float = 0.0
    """Lips thinned (0..1)."""
    lip_raise: float = 0.0
    """Upper lip pulled up, more at one side (0..1)."""
    nose_wrinkle: float = 0.0
    """(0..1)"""
    head_tilt: float = 0.0
    head_nod: float = 0.0
    """Above 0: chin down."""
    head_turn: float = 0.0
    lean: float = 0.0
    """Above 0: towards the camera."""
    nod: float = 0.0
    """(0..1)"""
    shake: float = 0.0
    """(0..1)"""
    tremble: float = 0.0
    """(0..1)"""

    def values(self) -> npt.NDArray[np.float64]:
        """All parameters in the order of `PARAMETERS`, shape [20]."""
        return np.array(astuple(self))

    @classmethod
    def from_values(cls, values: npt.NDArray[np.float64]) -> "Expression":
        """The inverse of `values`, limited to the parameters' ranges."""
        limited = np.clip(values, LOWEST, 1.0).tolist()
        return cls(**dict(zip(PARAMETERS, limited, strict=True)))


PARAMETERS: tuple[str, ...] = tuple(field.name for field in fields(Expression))
_ONE_WAY = {"squint", "mouth_open", "lip_press", "lip_raise", "nose_wrinkle", "nod", "shake", "tremble"}
LOWEST = np.array([0.0 if name in _ONE_WAY else -1.0 for name in PARAMETERS])
# What a movement of one direction gets of the noise: half of it is cut off at rest already.
_SPREAD = np.where(LOWEST < 0, 1.0, 0.6)
SIDED = np.array([name in {"brow_skew", "gaze_x", "head_tilt", "head_turn"} for name in PARAMETERS])

_FACES: dict[str, tuple[Expression, ...]] = {
    "anger": (
        Expression(
            brow_angle=0.95,
            brow_raise=-0.5,
            eye_open=-0.1,
            squint=0.35,
            lip_press=0.7,
            mouth_curve=-0.45,
            head_nod=0.3,
            lean=0.5,
            shake=0.25,
        ),
        Expression(
            brow_angle=0.9,
            brow_raise=-0.35,
            eye_open=0.3,
            mouth_open=0.4,
            mouth_width=0.4,
            lip_raise=0.35,
            mouth_curve=-0.35,
            nose_wrinkle=0.4,
            lean=0.6,
            nod=0.4,
        ),
    ),
    "disgust": (
        Expression(
            brow_angle=0.45,
            brow_raise=-0.3,
            eye_open=-0.25,
            squint=0.6,
            nose_wrinkle=0.9,
            lip_raise=0.85,
            mouth_curve=-0.45,
            head_turn=0.5,
            lean=-0.4,
            gaze_x=-0.3,
        ),
        Expression(
            brow_angle=0.35,
            brow_skew=0.4,
            eye_open=-0.35,
            squint=0.5,
            nose_wrinkle=0.75,
            lip_raise=0.5,
            mouth_curve=-0.65,
            mouth_width=-0.2,
            head_nod=-0.4,
            lean=-0.3,
            shake=0.3,
        ),
    ),
    "fear": (
        Expression(
            brow_raise=0.65,
            brow_angle=-0.65,
            eye_open=0.85,
            mouth_width=0.35,
            mouth_open=0.2,
            mouth_curve=-0.4,
            tremble=0.8,
            lean=-0.45,
        ),
        Expression(
            brow_raise=0.5,
            brow_angle=-0.75,
            eye_open=0.65,
            mouth_curve=-0.3,
            mouth_open=0.1,
            gaze_x=0.65,
            head_turn=-0.3,
            head_nod=0.2,
            tremble=0.6,
            lean=-0.3,
        ),
    ),
    "joy": (
        Expression(
            mouth_curve=0.95,
            mouth_width=0.6,
            mouth_open=0.35,
            squint=0.65,
            brow_raise=0.25,
            head_tilt=0.35,
            nod=0.35,
            lean=0.1,
        ),
        Expression(
            mouth_curve=0.75, mouth_width=0.4, squint=0.4, brow_raise=0.1, head_tilt=0.45, head_turn=0.2, nod=0.15
        ),
    ),
    "neutral": (Expression(),),
    "sadness": (
        Expression(
            brow_angle=-0.85,
            brow_raise=0.05,
            eye_open=-0.4,
            mouth_curve=-0.7,
            mouth_width=-0.1,
            gaze_y=0.6,
            head_nod=0.5,
            head_tilt=0.25,
        ),
        Expression(
            brow_angle=-0.7,
            eye_open=-0.35,
            mouth_curve=-0.5,
            lip_press=0.35,
            gaze_x=0.5,
            gaze_y=0.4,
            head_turn=0.35,
            head_tilt=0.3,
            shake=0.2,
        ),
    ),
    "surprise": (
        Expression(brow_raise=0.95, eye_open=0.9, mouth_open=0.6, mouth_width=-0.35, head_nod=-0.25, lean=-0.15),
        Expression(
            brow_raise=0.8, eye_open=0.65, mouth_open=0.3, mouth_curve=0.25, mouth_width=-0.1, head_tilt=0.4, lean=0.2
        ),
    ),
}


def expression_of(emotion: str, intensity: float, rng: np.random.Generator) -> Expression:
    """One way of showing `emotion` (a name of `telme_model.corpus.emotions.MELD`), of many: every call differs.

    `intensity` (0..1) scales what is particular to the emotion; the chance part stays, so that weak expressions
    resemble one another. A quarter of the faces carry a trace of another emotion, as mixed feelings do.
    """
    MELD.index(emotion)
    values = _typical(emotion, rng) * rng.uniform(0.6, 1.15, len(PARAMETERS))
    if rng.random() < 0.25:
        values = values * 0.8 + _typical(MELD.labels[rng.integers(len(MELD))], rng) * 0.35
    return Expression.from_values(values * intensity + rng.normal(0.0, 0.13, len(PARAMETERS)) * _SPREAD)


def random_expression(rng: np.random.Generator) -> Expression:
    """Every parameter drawn on its own and uniformly: a face with no emotion in mind, for pretraining."""
    return Expression.from_values(rng.uniform(LOWEST, 1.0))


def _typical(emotion: str, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    variants = _FACES[emotion]
    share = rng.beta(0.5, 0.5) if len(variants) > 1 else 1.0
    values = share * variants[0].values() + (1.0 - share) * variants[-1].values()
    return np.where(SIDED, -values, values) if rng.random() < 0.5 else values
