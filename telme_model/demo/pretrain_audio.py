"""Makes the demo's tiny data2vec-audio encoder: `python -m telme_model.demo.pretrain_audio OUT_DIR`.

The pretext needs no label: from generated speech of other speakers, saying other words in random ways, the encoder
recovers the parameters of the delivery and what can be measured of the voice (pitch, its spread, level, rate).
"""

import argparse
import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor, nn
from transformers import Data2VecAudioConfig, Data2VecAudioModel, Wav2Vec2FeatureExtractor

from telme_model.demo.voices import SAMPLE_RATE, random_delivery, random_voice, speak

log = logging.getLogger(__name__)

NETWORK_RATE = 16_000  # Hz
LONGEST = int(4.0 * NETWORK_RATE)
BATCH = 16

SUBJECTS = ("the heron", "a farmer", "our teacher", "the old clock", "my cousin", "a small dog", "the committee",
            "every sailor", "the comet", "nobody", "the gardener", "a blue lorry", "the orchestra", "they", "she", "we",
            "I", "you", "the goat", "a carpenter")  # fmt: skip
VERBS = ("measured", "painted", "carried", "followed", "described", "repaired", "counted", "borrowed", "noticed",
         "built", "washed", "lifted", "studied", "weighed", "folded", "planted", "buried", "copied")  # fmt: skip
OBJECTS = ("a ladder", "seven pears", "the northern wall", "a violin", "the map", "wet sand", "a wooden spoon",
           "the figures", "an umbrella", "yellow paint", "the telescope", "two buckets", "the hedge", "a jar of honey",
           "the engine", "some rope", "the lighthouse", "grey wool")  # fmt: skip
TAILS = ("", "", "", "in the valley", "before noon", "twice a week", "with great care", "under the arch",
         "on a Tuesday", "from memory", "without gloves", "for eleven years")  # fmt: skip
SCRAPS = ("Right.", "Maybe.", "Of course.", "Hello?", "Seventeen.", "Go on.", "Again.", "Who is it?", "Fine by me.",
          "Not there.", "Over here!", "Never mind.", "Good.", "Tomorrow, then.")  # fmt: skip


def phrase(rng: np.random.Generator) -> str:
    """One to a dozen words that have nothing to do with the demo's story."""
    if rng.random() < 0.3:
        return str(rng.choice(SCRAPS))
    words = " ".join(str(rng.choice(part)) for part in (SUBJECTS, VERBS, OBJECTS, TAILS)).strip()
    return words[0].upper() + words[1:] + str(rng.choice((".", ".", "!", "?")))


def tiny_config() -> Data2VecAudioConfig:
    """About 0.37 M parameters, 31 frames a second, no dropout and no masking."""
    return Data2VecAudioConfig(
        feat_extract_activation="relu", conv_dim=(64, 64, 96), conv_kernel=(256, 8, 8), conv_stride=(32, 4, 4),
        hidden_size=96, num_hidden_layers=3, num_attention_heads=4, intermediate_size=192,
        num_conv_pos_embeddings=3, num_conv_pos_embedding_groups=16, conv_pos_kernel_size=19,
        hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0,
        final_dropout=0.0, mask_time_prob=0.0, mask_feature_prob=0.0, vocab_size=32,
    )  # fmt: skip


def set_filter_bank(model: Data2VecAudioModel) -> Tensor:
    """Make the first convolution a bank of band-pass filters, 70 Hz to 7 kHz on the mel scale, and return its weights.

    A network this small would spend most of its training on finding them.
    """
    weight = model.get_parameter("feature_extractor.conv_layers.0.conv.weight")
    filters, _, taps = weight.shape
    lowest, highest = 2595 * np.log10(1 + np.array([70.0, 7000.0]) / 700)
    mels = np.linspace(lowest, highest, filters // 2)
    phases = 2 * np.pi * 700 * (10 ** (mels[:, None] / 2595) - 1) * np.arange(taps) / NETWORK_RATE
    bank = np.concatenate([np.cos(phases), np.sin(phases)]) * np.hanning(taps)
    with torch.no_grad():
        weight.copy_(torch.from_numpy(bank / np.linalg.norm(bank, axis=1, keepdims=True)).unsqueeze(1))
    return weight


def make_clip(seed: tuple[int, int]) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    """One clip at 16 kHz, zero mean and unit variance [T], and its targets [K]: the delivery, then measurements."""
    rng = np.random.default_rng(seed)
    delivery, text = random_delivery(rng), phrase(rng)
    voice = random_voice(rng)
    speech = speak(text, voice, delivery, rng)
    targets = np.array([*astuple(delivery), *_measured(speech, text)], dtype=np.float32)
    quiet = rng.integers(0, SAMPLE_RATE // 3, 2)
    sound = np.pad(speech, (quiet[0], quiet[1])) + rng.normal(0.0, 0.0006, len(speech) + quiet.sum())
    wave = resample_poly(sound, NETWORK_RATE // 50, SAMPLE_RATE // 50)[:LONGEST]
    return ((wave - wave.mean()) / (wave.std() + 1e-4)).astype(np.float16), targets


def _measured(speech: NDArray[np.float32], text: str) -> tuple[float, float, float, float]:
    """Median log2 pitch and its spread, level of the upper against the whole spectrum, and letters a second (log2)."""
    pitches = []
    window = np.hanning(1024)
    for start in range(0, len(speech) - 1024, 512):
        spectrum = np.abs(np.fft.rfft(speech[start : start + 1024] * window, 4096)) ** 2
        correlation = np.fft.irfft(spectrum)[: SAMPLE_RATE // 60]
        lag = SAMPLE_RATE // 450 + int(correlation[SAMPLE_RATE // 450 :].argmax())
        if correlation[lag] > 0.4 * correlation[0]:
            pitches.append(np.log2(SAMPLE_RATE / lag))
    low, middle, high = np.percentile(pitches or [7.0], [20, 50, 80])
    power = np.abs(np.fft.rfft(speech)) ** 2
    upper = power[np.fft.rfftfreq(len(speech), 1 / SAMPLE_RATE) > 1500.0].sum() / power.sum()
    return (
        float(middle),
        float(high - low),
        float(np.log2(upper + 1e-4)),
        float(np.log2(len(text) / len(speech) * SAMPLE_RATE)),
    )


def batches(
    waves: list[NDArray[np.float16]], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], Tensor, Tensor]]:
    """An endless stream of (clips [B], waveforms [B, T], mask [B, T]); the clips of a batch are about equally long."""
    lengths = np.array([len(wave) for wave in waves])
    while True:
        order = np.argsort(lengths * rng.uniform(0.85, 1.15, len(lengths)))
        groups = [order[i : i + BATCH] for i in range(0, len(order) - BATCH + 1, BATCH)]
        for place in rng.permutation(len(groups)):
            chosen = groups[place]
            padded = torch.zeros(BATCH, int(lengths[chosen].max()))
            mask = torch.zeros(padded.shape, dtype=torch.long)
            for row, clip in enumerate(chosen):
                padded[row, : lengths[clip]] = torch.from_numpy(waves[clip].astype(np.float32))
                mask[row, : lengths[clip]] = 1
            yield chosen, padded, mask


def pool(model: Data2VecAudioModel, waves: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """First position and mean over the speech [B, d] of the last hidden state: both ways in which it will be read."""
    hidden = model(waves, attention_mask=mask).last_hidden_state
    frames = torch.ceil(mask.sum(1, keepdim=True) * hidden.shape[1] / mask.shape[1])
    inside = (torch.arange(hidden.shape[1]) < frames).unsqueeze(-1).to(hidden.dtype)
    return hidden[:, 0], (hidden * inside).sum(1) / inside.sum(1)


def pretrain(
    waves: list[NDArray[np.float16]], targets: Tensor, *, steps: int, seed: int, peak_rate: float = 1.5e-3
) -> Data2VecAudioModel:
    """Train for so many `steps`; `targets` [N, K] are recovered from the first position and from the mean."""
    torch.manual_seed(seed)
    model: Data2VecAudioModel = Data2VecAudioModel(tiny_config())
    model.train()
    set_filter_bank(model).requires_grad_(False)
    goal = (targets - targets.mean(0)) / targets.std(0)
    heads = nn.ModuleList(nn.Linear(model.config.hidden_size, goal.shape[1]) for _ in range(2))
    parameters = [*model.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW([p for p in parameters if p.requires_grad], lr=peak_rate, weight_decay=0.01)
    recent = torch.zeros(2)
    stream = islice(batches(waves, np.random.default_rng(seed)), steps)
    for step, (clips, batch, mask) in enumerate(stream, start=1):
        for group in optimiser.param_groups:
            group["lr"] = peak_rate * min(step / 100, 1.0 - (step - 1) / steps)
        batch = batch + 0.03 * torch.rand(BATCH, 1) * torch.randn_like(batch) * mask
        losses = [nn.functional.mse_loss(head(read), goal[torch.from_numpy(clips)])
                  for head, read in zip(heads, pool(model, batch, mask), strict=True)]  # fmt: skip
        torch.autograd.backward(losses)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        recent = 0.98 * recent + 0.02 * torch.stack(losses).detach() if step > 1 else torch.stack(losses).detach()
        if step % 100 == 0:
            unexplained = " and ".join(f"{loss:.3f}" for loss in recent)
            log.info("step %d: unexplained variance %s from the first position and the mean", step, unexplained)
    model.requires_grad_(True)
    model.eval()
    return model


def main() -> None:
    """Synthesise, train, save in half precision with the processor's settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--clips", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    with ProcessPoolExecutor() as pool_of_processes:
        made = list(pool_of_processes.map(make_clip, [(args.seed, n) for n in range(args.clips)], chunksize=50))
    targets = torch.from_numpy(np.stack([target for _, target in made]))
    log.info("made %d clips", args.clips)
    model = pretrain([wave for wave, _ in made], targets, steps=args.steps, seed=args.seed)
    model.half().save_pretrained(args.out_dir)
    Wav2Vec2FeatureExtractor(sampling_rate=NETWORK_RATE, do_normalize=True).save_pretrained(args.out_dir)


if __name__ == "__main__":
    main()
