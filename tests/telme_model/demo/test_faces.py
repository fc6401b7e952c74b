"""Drawn faces: ranges, determinism, that the parameters show in the picture, and the encoder pretrained on them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModel

from telme_model.corpus.emotions import MELD
from telme_model.demo import pretrain_visual
from telme_model.demo.drawing import Portrait
from telme_model.demo.expressions import LOWEST, PARAMETERS, SIDED
from telme_model.demo.faces import (
    LOOKS,
    Expression,
    Look,
    draw_clip,
    expression_of,
    motion,
    random_expression,
    random_look,
)
from telme_model.demo.pretrain_visual import Examples, PretextModel, main

pytestmark = pytest.mark.slow  # The drawn faces change with the demo alone.

ENCODER = Path(__file__).parents[3] / "resources/demo/encoders/visual"
REST = Expression()


def clip(
    look: Look,
    expression: Expression,
    frames: int = 4,
    loudness: float = 0.0,
    seed: int = 0,
    width: int = 160,
    height: int = 90,
) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.stack(
        list(draw_clip(look, expression, np.full(frames, loudness), fps=15, width=width, height=height, rng=rng))
    )


@pytest.mark.parametrize("name", LOOKS)
def test_a_clip_has_the_size_asked_for_and_the_same_seed_draws_it_again(name: str) -> None:
    first = clip(LOOKS[name], expression_of("joy", 0.8, np.random.default_rng(1)))
    assert first.shape == (4, 90, 160, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, clip(LOOKS[name], expression_of("joy", 0.8, np.random.default_rng(1))))


def test_the_eight_characters_look_different() -> None:
    pictures = [clip(look, REST, frames=1)[0].astype(float) for look in LOOKS.values()]
    for number, one in enumerate(pictures):
        for other in pictures[:number]:
            assert np.abs(one - other).mean() > 8


@given(st.sampled_from(MELD.labels), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_expressions_stay_in_range(emotion: str, intensity: float, seed: int) -> None:
    values = expression_of(emotion, intensity, np.random.default_rng(seed)).values()
    assert (values >= LOWEST).all()
    assert (values <= 1).all()


def test_an_unknown_emotion_is_named() -> None:
    with pytest.raises(ValueError, match="'bored' is not an emotion of meld"):
        expression_of("bored", 1.0, np.random.default_rng(0))


def test_intensity_moves_the_average_face_away_from_neutral() -> None:
    rng = np.random.default_rng(0)
    means = {
        (emotion, strength): np.mean([expression_of(emotion, strength, rng).values() for _ in range(200)], 0)
        for emotion in MELD.labels
        for strength in (0.3, 1.0)
    }
    rest = means["neutral", 1.0]
    for emotion in MELD.labels:
        if emotion != "neutral":
            weak, strong = (np.linalg.norm(means[emotion, strength] - rest) for strength in (0.3, 1.0))
            assert strong > 1.8 * weak > 0.2


def test_emotions_can_be_told_from_their_parameters_but_not_perfectly() -> None:
    rng = np.random.default_rng(0)

    def draw(count: int) -> list[npt.NDArray[np.float64]]:
        return [
            np.array([expression_of(emotion, rng.uniform(0.5, 1.0), rng).values() for _ in range(count)])
            for emotion in MELD.labels
        ]

    centres = np.array([faces.mean(0) for faces in draw(200)])
    hits = [
        (np.linalg.norm(faces[:, None] - centres, axis=2).argmin(1) == label).mean()
        for label, faces in enumerate(draw(100))
    ]
    assert 0.8 < np.mean(hits) < 0.99


# Where a parameter must show: rows and columns of a 180 x 320 picture.
PLACES = {
    "brow_raise": (slice(52, 82), slice(120, 200)),
    "brow_angle": (slice(52, 82), slice(120, 200)),
    "eye_open": (slice(68, 92), slice(120, 200)),
    "squint": (slice(68, 92), slice(120, 200)),
    "gaze_x": (slice(68, 92), slice(120, 200)),
    "gaze_y": (slice(68, 92), slice(120, 200)),
    "mouth_curve": (slice(104, 138), slice(130, 190)),
    "mouth_width": (slice(104, 138), slice(130, 190)),
    "mouth_open": (slice(104, 138), slice(130, 190)),
    "lip_press": (slice(104, 138), slice(130, 190)),
    "lip_raise": (slice(100, 138), slice(130, 190)),
    "nose_wrinkle": (slice(75, 110), slice(140, 180)),
}


@pytest.mark.parametrize("name", PLACES)
def test_every_facial_parameter_shows_where_it_should(name: str) -> None:
    rest, moved = (
        clip(LOOKS["Jonas"], face, frames=6, seed=3, width=320, height=180)[-1].astype(float)
        for face in (REST, Expression(**{name: 0.9}))
    )
    change = np.abs(moved - rest).sum(2)
    rows, columns = PLACES[name]
    assert change.max() > 60
    assert change[rows, columns].sum() > 0.5 * change.sum()


@pytest.mark.parametrize("look", list(LOOKS.values()), ids=list(LOOKS))
def test_speech_opens_the_mouth(look: Look) -> None:
    silent, loud = (clip(look, REST, loudness=loudness, seed=2)[-1].astype(float) for loudness in (0.0, 1.0))
    change = np.abs(loud - silent).sum(2)
    assert change[52:72, 66:94].mean() > 3 * change[:40].mean()


def test_the_expression_grows_and_is_held() -> None:
    values = motion(Expression(brow_angle=0.9), np.zeros(60), 15, np.random.default_rng(0))
    brow = values[:, PARAMETERS.index("brow_angle")]
    assert brow[0] < 0.4
    assert (np.diff(brow) >= 0).all()
    np.testing.assert_allclose(brow[12:], 0.9)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_any_character_can_make_any_face(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    look = random_look(rng)
    assert look not in LOOKS.values()
    pictures = clip(look, random_expression(rng), frames=frames, loudness=rng.random(), seed=seed, width=57, height=32)
    assert pictures.shape == (frames, 32, 57, 3)
    assert pictures.std() > 10


def test_a_clip_of_no_frames_is_empty() -> None:
    assert (
        list(draw_clip(LOOKS["Mara"], REST, np.zeros(0), fps=15, width=64, height=36, rng=np.random.default_rng(0)))
        == []
    )


def test_examples_show_the_same_expression_on_the_other_face() -> None:
    rng = np.random.default_rng(0)
    other = Portrait(random_look(rng), 114, 64)
    examples = Examples(5, 1, rng, other)
    assert examples.pictures.shape == (5, 1, 3, 64, 70)
    assert examples.parameters.shape == (5, 20)
    for parameters, goal in zip(examples.parameters, examples.goals, strict=True):
        face = other.draw(Expression.from_values(parameters.double().numpy()))[:, 25:89]
        grey = face @ np.array([0.299, 0.587, 0.114])
        np.testing.assert_allclose(goal[0], grey.reshape(32, 2, 32, 2).mean((1, 3)), atol=1.5)


def test_a_patch_draws_its_own_part_of_its_own_frame() -> None:
    torch.manual_seed(0)
    reader = PretextModel().eval()
    for name, weight in reader.named_parameters():  # without attention a patch depends on itself alone
        if "temporal_dense" in name or "attention.output.dense" in name:
            torch.nn.init.zeros_(weight)
    pixels = torch.zeros(1, 8, 3, 64, 64)
    changed = pixels.clone()
    changed[:, 5, :, 32:48, 16:32] = 1.0
    with torch.no_grad():
        moved = (reader(changed)[2] - reader(pixels)[2]).abs()[0]
    assert moved[5, 16:24, 8:16].min() > 0
    moved[5, 16:24, 8:16] = 0
    assert moved.max() < 1e-6


@pytest.mark.slow
def test_pretraining_writes_a_folder_that_loads_and_is_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrain_visual, "_BATCH", 8)
    threads = torch.get_num_threads()
    try:
        for name in ("one", "two"):
            assert main([str(tmp_path / name), "--frames", "16", "--clips", "8"]) == 0
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(False)
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert len(one) < 1.3e6
    model = AutoModel.from_pretrained(tmp_path / "one").eval()
    assert model.dtype == torch.float32
    assert model(torch.zeros(1, 8, 3, 64, 64)).last_hidden_state.shape == (1, 129, 96)


@pytest.mark.slow
def test_the_bundled_encoder_reads_other_characters() -> None:
    if not ENCODER.exists():
        pytest.skip("resources/demo/encoders/visual has not been made")
    config = AutoConfig.from_pretrained(ENCODER)
    assert (config.model_type, config.image_size, config.num_frames) == ("timesformer", 64, 8)
    encoder = AutoModel.from_pretrained(ENCODER).eval()
    rng = np.random.default_rng(99)
    examples = Examples(160, 8, rng, Portrait(random_look(rng), 114, 64))
    with torch.no_grad():
        pixels = examples.pixels(torch.arange(len(examples)), None)
        features = encoder(pixels).last_hidden_state.mean(1).double().numpy()
    goal = examples.parameters.double().numpy()
    train, test = slice(0, 120), slice(120, 160)
    features = features - features[train].mean(0)
    weights = np.linalg.solve(
        features[train].T @ features[train] + 10 * np.eye(96), features[train].T @ (goal[train] - goal[train].mean(0))
    )
    error = np.square(features[test] @ weights + goal[train].mean(0) - goal[test]).mean(0)
    explained = dict(zip(PARAMETERS, 1 - error / goal[test].var(0), strict=True))
    assert min(explained[name] for name in ("brow_raise", "brow_angle", "mouth_curve", "eye_open")) > 0.3


def test_mirrored_parameters_are_those_with_a_side() -> None:
    assert {name for name, sided in zip(PARAMETERS, SIDED, strict=True) if sided} == {
        "brow_skew",
        "gaze_x",
        "head_tilt",
        "head_turn",
    }
