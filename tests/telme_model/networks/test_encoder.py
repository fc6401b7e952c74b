"""A turn's features are its own: neither batch mates nor padding touch them, in any modality."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import Wav2Vec2Config, Wav2Vec2Model

from telme_model.corpus.dialogue import Modality
from telme_model.networks.backbones import load_backbone
from telme_model.networks.batching import Batch, collate_tokens, collate_waveforms
from telme_model.networks.encoder import Encoder, EncoderOutput, make_encoder
from telme_model.runs.config import AudioConfig, AudioPadding, Pooling, TextConfig, TextLayout
from telme_model.runs.presets import preset

DIM, CLASSES = 12, 7
SAMPLES = (700, 2400, 1500, 3333)  # the toy needs 650 for its first frame


def toy(modality: Modality, pooling: Pooling = Pooling.FIRST, dim: int = DIM) -> Encoder:
    torch.manual_seed(0)
    return Encoder(modality, load_backbone("toy", modality), pooling, dim, CLASSES).eval()


def wav2vec2(norm: str, **changes: Any) -> nn.Module:
    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=12,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        feat_extract_norm=norm,
        conv_dim=(8, 8, 8),
        conv_kernel=(20, 8, 8),
        conv_stride=(10, 8, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        **changes,
    )
    return Wav2Vec2Model(config)


def run(encoder: Encoder, batch: Batch) -> EncoderOutput:
    with torch.no_grad():
        output: EncoderOutput = encoder(batch)
    return output


def waveforms(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.3, length).astype(np.float32) for length in lengths]


def assert_same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def assert_rows_are_their_own(encoder: Encoder, batches: list[Batch], together: Batch) -> None:
    """Each row of `together` is what it is in a batch of one."""
    output = run(encoder, together)
    assert output.features.shape == (len(batches), encoder.classifier.in_features)
    assert output.logits.shape == (len(batches), CLASSES)
    assert output.features.std(0).min() > 1e-3  # the rows do differ
    for row, batch in enumerate(batches):
        alone = run(encoder, batch)
        assert_same(output.features[row], alone.features[0])
        assert_same(output.logits[row], alone.logits[0])


# --- text


@pytest.mark.parametrize("layout", TextLayout)
@pytest.mark.parametrize("prompt", [True, False])
def test_text_rows_are_their_own(layout: TextLayout, prompt: bool) -> None:
    config = TextConfig(layout=layout, prompt=prompt)
    rng = np.random.default_rng(0)
    rows = [rng.integers(2, 64, length).tolist() for length in (5, 40, 1, 17)]
    alone = [collate_tokens([row], 1, config) for row in rows]
    assert_rows_are_their_own(toy(Modality.TEXT), alone, collate_tokens(rows, 1, config))


def test_text_is_read_where_the_batch_says() -> None:
    encoder = toy(Modality.TEXT)
    batch = collate_tokens([[5, 6, 7], [8, 9]], 1, TextConfig())
    assert batch.mask is not None
    with torch.no_grad():
        hidden = encoder.backbone(input_ids=batch.values, attention_mask=batch.mask.long()).last_hidden_state
    assert_same(run(encoder, batch).features, torch.stack([hidden[0, 2], hidden[1, 1]]))


# --- audio


@pytest.mark.parametrize("pooling", Pooling)
def test_audio_rows_are_their_own(pooling: Pooling) -> None:
    encoder = toy(Modality.AUDIO, pooling)
    clips = waveforms(*SAMPLES)
    alone = [collate_waveforms([clip], AudioConfig()) for clip in clips]
    assert_rows_are_their_own(encoder, alone, collate_waveforms(clips, AudioConfig()))


def test_audio_padding_is_zeroed_between_position_convolutions() -> None:
    """Several stacked convolutions, as in data2vec's base model, each of which would carry padding one frame on."""
    backbone: Any = load_backbone("toy", Modality.AUDIO)
    config = backbone.config
    config.num_conv_pos_embeddings, config.conv_pos_kernel_size = 5, 5
    torch.manual_seed(0)
    encoder = Encoder(Modality.AUDIO, type(backbone)(config), Pooling.MEAN, DIM, CLASSES).eval()
    layers: Any = encoder.backbone.encoder.pos_conv_embed.layers  # type: ignore[union-attr]
    assert len(layers) == 5
    clips = waveforms(*SAMPLES)
    alone = [collate_waveforms([clip], AudioConfig()) for clip in clips]
    assert_rows_are_their_own(encoder, alone, collate_waveforms(clips, AudioConfig()))
    assert not any(layer._forward_hooks for layer in layers)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("pooling", Pooling)
def test_wav2vec2_rows_are_their_own(norm: str, pooling: Pooling) -> None:
    """A group norm averages over a row's time, padding included, so such rows go through one by one."""
    encoder = Encoder(Modality.AUDIO, wav2vec2(norm), pooling, DIM, CLASSES).eval()
    clips = waveforms(*SAMPLES)
    alone = [collate_waveforms([clip], AudioConfig()) for clip in clips]
    assert_rows_are_their_own(encoder, alone, collate_waveforms(clips, AudioConfig()))


@pytest.mark.parametrize("norm", ["data2vec", "group", "layer"])
def test_clips_shorter_than_a_frame_are_lengthened_with_silence(norm: str) -> None:
    backbone = load_backbone("toy", Modality.AUDIO) if norm == "data2vec" else wav2vec2(norm)
    encoder = Encoder(Modality.AUDIO, backbone, Pooling.FIRST, DIM, CLASSES).eval()
    clips = [*waveforms(10, 649), *waveforms(2000)]
    alone = [collate_waveforms([clip], AudioConfig()) for clip in clips]
    assert_rows_are_their_own(encoder, alone, collate_waveforms(clips, AudioConfig()))
    lengthened = torch.zeros(1, 650)
    lengthened[:, :10] = alone[0].values
    with torch.no_grad():
        assert_same(run(encoder, alone[0]).features, encoder.backbone(lengthened).last_hidden_state[:, 0])
    left = collate_waveforms(clips[:2], AudioConfig(padding=AudioPadding.LEFT))
    assert run(encoder, left).features.isfinite().all()


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_short_clips_can_be_trained_on(norm: str) -> None:
    """SpecAugment refuses a clip with fewer frames than it masks at once."""
    backbone = wav2vec2(norm, mask_time_prob=0.5, mask_time_length=4)
    encoder = Encoder(Modality.AUDIO, backbone, Pooling.MEAN, DIM, CLASSES).train()
    np.random.seed(0)  # noqa: NPY002 - transformers draws the masks from the global generator
    output = encoder(collate_waveforms(waveforms(700, 900), AudioConfig()))
    assert output.features.isfinite().all()


@pytest.mark.parametrize("pooling", Pooling)
def test_audio_pooling(pooling: Pooling) -> None:
    encoder = toy(Modality.AUDIO, pooling)
    batch = collate_waveforms(waveforms(2400), AudioConfig())
    with torch.no_grad():
        hidden = encoder.backbone(batch.values).last_hidden_state
    assert hidden.shape[1] == 3
    expected = hidden[:, 0] if pooling is Pooling.FIRST else hidden.mean(1)
    assert_same(run(encoder, batch).features, expected)


def test_audio_of_the_released_code_sees_its_padding() -> None:
    encoder = toy(Modality.AUDIO)
    batch = collate_waveforms(waveforms(*SAMPLES), AudioConfig(padding=AudioPadding.LEFT))
    with torch.no_grad():
        hidden = encoder.backbone(batch.values).last_hidden_state
    assert_same(run(encoder, batch).features, hidden[:, 0])
    alone = collate_waveforms(waveforms(*SAMPLES)[:1], AudioConfig(padding=AudioPadding.LEFT))
    assert not torch.allclose(run(encoder, batch).features[0], run(encoder, alone).features[0], atol=1e-5)


# --- visual


@pytest.mark.parametrize("pooling", Pooling)
def test_visual_rows_are_their_own(pooling: Pooling) -> None:
    pixels = torch.randn(3, 2, 3, 16, 16, generator=torch.manual_seed(0))
    encoder = toy(Modality.VISUAL, pooling)
    assert_rows_are_their_own(encoder, [Batch(row[None]) for row in pixels], Batch(pixels))
    with torch.no_grad():
        hidden = encoder.backbone(pixel_values=pixels).last_hidden_state
    expected = hidden[:, 0] if pooling is Pooling.FIRST else hidden.mean(1)
    assert_same(run(encoder, Batch(pixels)).features, expected)


# --- heads


@pytest.mark.parametrize("modality", Modality)
def test_features_are_projected_where_the_widths_differ(modality: Modality) -> None:
    assert isinstance(toy(modality).projection, nn.Identity)
    wider = toy(modality, dim=20)
    assert isinstance(wider.projection, nn.Linear)
    assert wider.projection.weight.shape == (20, 12)
    assert wider.classifier.weight.shape == (CLASSES, 20)


def test_projection_and_classifier() -> None:
    encoder, wider = toy(Modality.VISUAL), toy(Modality.VISUAL, dim=5)
    wider.backbone.load_state_dict(encoder.backbone.state_dict())
    batch = Batch(torch.randn(2, 2, 3, 16, 16, generator=torch.manual_seed(0)))
    pooled, output = run(encoder, batch).features.double().numpy(), run(wider, batch)
    heads = {name: value.double().numpy() for name, value in wider.state_dict().items() if "backbone" not in name}
    features = pooled @ heads["projection.weight"].T + heads["projection.bias"]
    logits = features @ heads["classifier.weight"].T + heads["classifier.bias"]
    np.testing.assert_allclose(output.features.numpy(), features, atol=1e-5)
    np.testing.assert_allclose(output.logits.numpy(), logits, atol=1e-5)


def test_the_config_makes_the_encoder() -> None:
    config = preset("toy").with_settings(["audio.pooling=mean", "visual.pooling=first"])
    made = {m: make_encoder(m, load_backbone("toy", m), config, 6) for m in Modality}
    assert [made[m].pooling for m in Modality] == [Pooling.FIRST, Pooling.MEAN, Pooling.FIRST]
    assert [made[m].modality for m in Modality] == list(Modality)
    assert {encoder.classifier.out_features for encoder in made.values()} == {6}
