"""The demo's visual encoder: a tiny TimeSformer that has learnt to read drawn faces, without any emotion label.

    python -m telme_model.demo.pretrain_visual OUT_DIR [--frames N] [--clips N] [--seed S]

Made-up characters with random expressions (`random_look`, `random_expression`) are drawn, and the network recovers
the parameters they were drawn with. Parameters alone are learnt very slowly, since a mean over patches says little at
first; so each patch also has to draw its part of the same expression on one and the same other face, which tells the
expression from who wears it. First single frames, which are cheap and many, then short clips for what moves. The
heads are thrown away. Neither the characters nor the expressions of the demo corpus take part. The
same arguments give the same weights.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import TimesformerConfig, TimesformerModel

from telme_model.demo.drawing import Portrait
from telme_model.demo.expressions import LOWEST, PARAMETERS, Expression, random_expression
from telme_model.demo.faces import motion
from telme_model.demo.looks import random_look

log = logging.getLogger(__name__)

SIZE, PATCH, FRAMES, FPS = 64, 16, 8, 15.0
MEAN, STD = 0.45, 0.225
GOAL_SIZE = SIZE // 2  # of the picture of the other face
_MARGIN = 3  # px at either side, from which crops are shifted
_WIDTH = 114  # px of a whole picture, 16 : 9
_LEFT = (_WIDTH - SIZE) // 2
_BATCH = 64
_RATE = 2e-3
_PICTURE_WEIGHT = 4.0
_GREY_FLOOR = 6.0  # grey levels: pixels that hardly change count less
_POSE = np.array([name in {"head_tilt", "head_nod", "head_turn", "lean"} for name in PARAMETERS])
_MOVING = np.array([name in {"nod", "shake", "tremble"} for name in PARAMETERS])
"""What no single frame shows."""


def configuration() -> TimesformerConfig:
    """0.56 M parameters; a frame is 4 x 4 patches."""
    return TimesformerConfig(
        image_size=SIZE, patch_size=PATCH, num_frames=FRAMES, hidden_size=96, num_hidden_layers=4,
        num_attention_heads=4, intermediate_size=192, attention_type="divided_space_time", hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )  # fmt: skip


class Examples:
    """Pictures uint8 [N, T, 3, 64, 70], parameters [N, 20], the same expression on the other face [N, T, 32, 32]."""

    def __init__(self, number: int, frames: int, rng: np.random.Generator, other: Portrait) -> None:
        pictures = np.empty((number, frames, SIZE, SIZE + 2 * _MARGIN, 3), np.uint8)
        self.parameters = torch.empty(number, len(PARAMETERS))
        self.goals = torch.empty(number, frames, GOAL_SIZE, GOAL_SIZE)
        for row in range(number):
            if row % 4 == 0:
                portrait = Portrait(random_look(rng), _WIDTH, SIZE)
            expression = _posed(rng)
            if frames == 1:
                expression[_MOVING] = 0.0
                values = expression[None]
            else:
                values = _played(expression, frames, rng)
            self.parameters[row] = torch.from_numpy(expression)
            blur, quality = rng.uniform(0.0, 0.7), int(rng.integers(35, 96))
            for frame, state in enumerate(values):
                shown = Expression.from_values(state)
                picture = portrait.draw(shown)[:, _LEFT - _MARGIN : _LEFT + SIZE + _MARGIN]
                pictures[row, frame] = _worn(np.ascontiguousarray(picture), blur, quality)
                self.goals[row, frame] = torch.from_numpy(_grey(other.draw(shown)))
        self.pictures = torch.from_numpy(pictures).permute(0, 1, 4, 2, 3)

    def __len__(self) -> int:
        return len(self.pictures)

    def pixels(self, rows: Tensor, rng: np.random.Generator | None) -> Tensor:
        """Normalised crops [B, T, 3, 64, 64]: centred, or shifted and lit by chance when `rng` is given."""
        shift, gain, lift = _MARGIN, 1.0, 0.0
        if rng is not None:
            shift = int(rng.integers(0, 2 * _MARGIN + 1))
            gain, lift = rng.uniform(0.85, 1.15), rng.uniform(-0.06, 0.06)
        crop = self.pictures[rows][..., shift : shift + SIZE]
        return (crop.float() / 255 * gain + lift - MEAN) / STD


def _posed(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A random expression, its head mostly near the middle: a face that has to be found first is learnt slowly."""
    return random_expression(rng).values() * np.where(_POSE, rng.random(), 1.0)


def _played(expression: npt.NDArray[np.float64], frames: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """`frames` evenly spaced states [frames, 20] of a clip that plays `expression` as the demo corpus does."""
    length = int(rng.integers(20, 70))
    values = motion(Expression.from_values(expression), _loudness(length, rng), FPS, rng)
    return np.clip(values[(np.arange(frames) * length) // frames], LOWEST, 1.0)


def _loudness(length: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Syllables and pauses; a third of the clips is silent."""
    if rng.random() < 1 / 3:
        return np.zeros(length)
    syllables = np.abs(np.sin(np.pi * np.arange(length) / FPS * rng.uniform(3, 5) + rng.uniform(0, np.pi)))
    return np.asarray(np.clip(syllables * rng.uniform(0.3, 1.0) * rng.uniform(0.5, 1.0, length), 0, 1))


def _worn(picture: npt.NDArray[np.uint8], blur: float, quality: int) -> npt.NDArray[np.uint8]:
    """`picture` as a compressed video shows it."""
    if blur > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), blur).astype(np.uint8, copy=False)
    _, jpeg = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def _grey(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    face = cv2.cvtColor(np.ascontiguousarray(picture[:, _LEFT : _LEFT + SIZE]), cv2.COLOR_RGB2GRAY)
    return cv2.resize(face, (GOAL_SIZE, GOAL_SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)


class PretextModel(nn.Module):
    """The encoder with the heads of the pretext."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = TimesformerModel(configuration())
        # The default spread of 0.02 leaves a patch hardly knowing where it is.
        nn.init.normal_(self.encoder.embeddings.position_embeddings, std=0.3)
        width = self.encoder.config.hidden_size
        self.side, self.dots = SIZE // PATCH, GOAL_SIZE * PATCH // SIZE
        self.first, self.mean = (nn.Linear(width, len(PARAMETERS)) for _ in range(2))
        self.draw = nn.Parameter(torch.randn(self.side**2, width, self.dots**2) * 0.02)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixels [B, T, 3, 64, 64] to parameters by position 0 and by the mean [B, 20], pictures [B, T, 32, 32]."""
        frames = pixels.shape[1]
        _frames_seen(self.encoder, frames)
        hidden = self.encoder(pixels).last_hidden_state
        # Positions after the first run over patches and, within a patch, over frames.
        patches = hidden[:, 1:].unflatten(1, (-1, frames)).transpose(1, 2)
        drawn = torch.einsum("btnh,nhp->btnp", patches, self.draw.to(patches.dtype))
        drawn = drawn.unflatten(2, (self.side, self.side)).unflatten(4, (self.dots, self.dots))
        drawn = drawn.transpose(3, 4).flatten(4, 5).flatten(2, 3)
        return self.first(hidden[:, 0]), self.mean(hidden.mean(1)), drawn


def _frames_seen(encoder: TimesformerModel, frames: int) -> None:
    """Let the encoder take clips of `frames` frames: its layers read the number from their configuration."""
    encoder.config.num_frames = frames


class Pretext:
    """What is recovered, scaled to unit variance, and the training on it."""

    def __init__(self, frames: int, clips: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.other = Portrait(random_look(self.rng), _WIDTH, SIZE)
        started = time.monotonic()
        self.frames, self.clips, self.held_out = (
            Examples(number, length, self.rng, self.other)
            for number, length in ((frames, 1), (clips, FRAMES), (max(clips // 4, 8), FRAMES))
        )
        log.info("%d frames and %d clips drawn in %.0f s", frames, clips, time.monotonic() - started)
        self.centre = torch.from_numpy((LOWEST + 1) / 2).float()
        self.spread = torch.from_numpy((1 - LOWEST) / 12**0.5).float()
        self.grey = self.frames.goals.mean(0)
        self.contrast = self.frames.goals.std(0) + _GREY_FLOOR
        self.reader = PretextModel()

    def train(self, examples: Examples, steps: int, batch: int, rate: float) -> None:
        """AdamW on `steps` random batches of `examples`."""
        shown = torch.from_numpy(~_MOVING) if examples is self.frames else torch.ones(len(PARAMETERS), dtype=torch.bool)
        optimiser = torch.optim.AdamW(self.reader.parameters(), rate, betas=(0.9, 0.98), weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
        started, terms = time.monotonic(), torch.zeros(3)
        every = max(steps // 8, 1)
        for step in range(steps):
            rows = torch.from_numpy(self.rng.integers(0, len(examples), batch))
            with torch.autocast("cpu", torch.bfloat16):
                first, mean, drawn = self.reader(examples.pixels(rows, self.rng))
            goal = (examples.parameters[rows] - self.centre) / self.spread
            losses = torch.stack(
                [nn.functional.mse_loss(guess.float()[:, shown], goal[:, shown]) for guess in (first, mean)]
                + [nn.functional.mse_loss(drawn.float(), (examples.goals[rows] - self.grey) / self.contrast)]
            )
            loss = losses[0] + losses[1] + _PICTURE_WEIGHT * losses[2]
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.reader.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            terms += losses.detach()
            if (step + 1) % every == 0:
                log.info("step %d/%d  position 0 %.3f  mean %.3f  picture %.3f  %.0f s", step + 1, steps,
                         *(terms / every).tolist(), time.monotonic() - started)  # fmt: skip
                terms.zero_()

    @torch.no_grad()
    def report(self) -> None:
        """Log R^2 of every parameter on held-out characters."""
        self.reader.eval()
        rows = torch.arange(len(self.held_out)).split(_BATCH)
        outputs = [self.reader(self.held_out.pixels(part, None))[:2] for part in rows]
        goal = (self.held_out.parameters - self.centre) / self.spread
        shares = [1 - (torch.cat(guess) - goal).square().mean(0) / goal.var(0) for guess in zip(*outputs, strict=True)]
        log.info("R^2 on other characters    position 0  mean")
        for name, first, mean in zip(PARAMETERS, *(share.tolist() for share in shares), strict=True):
            log.info("  %-24s %10.2f %5.2f", name, first, mean)


def pretrain(frames: int, clips: int, seed: int) -> TimesformerModel:
    """Draw, train and return the encoder; logs progress and what it recovers of held-out characters."""
    pretext = Pretext(frames, clips, seed)
    pretext.train(pretext.frames, max(frames // 5, 20), _BATCH, _RATE)
    pretext.train(pretext.clips, max(clips // 3, 20), _BATCH // 4, _RATE / 2)
    pretext.report()
    return pretext.reader.encoder


def save(encoder: TimesformerModel, folder: Path) -> None:
    """Write a Hugging Face folder; weights in half precision, to be loaded in single."""
    _frames_seen(encoder, FRAMES)
    encoder.half().save_pretrained(folder)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"dtype": "float32"}, indent=2, sort_keys=True) + "\n")
    processor = {
        "image_processor_type": "VideoMAEImageProcessor", "do_resize": True, "size": {"shortest_edge": SIZE},
        "do_center_crop": True, "crop_size": {"height": SIZE, "width": SIZE}, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [MEAN] * 3, "image_std": [STD] * 3,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="pretrain_visual", description="Pretrain the demo's visual encoder.")
    parser.add_argument("folder", type=Path, metavar="OUT_DIR")
    parser.add_argument("--frames", type=int, default=16_000)
    parser.add_argument("--clips", type=int, default=1_200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.use_deterministic_algorithms(True)
    save(pretrain(options.frames, options.clips, options.seed), options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
