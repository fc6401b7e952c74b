"""The fusion against float64 NumPy: equations 16 to 19 with gradients, every scope, and the plain ways beside it."""

from collections.abc import Mapping
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from telme_model.corpus.dialogue import Modality
from telme_model.networks.embedding import Embeddings
from telme_model.networks.fusion import AttentionShifting, Fusion, FusionOutput, shift
from telme_model.runs.config import AttentionScope, FusionConfig, FusionKind
from telme_model.training.tasks import start_stand_ins
from tests.support.reference_asf import Array, Weights, asf, gradients, random_problem, self_attention

DIM, HEADS, CLASSES = 3, 3, 4
STUDENTS = (Modality.AUDIO, Modality.VISUAL)
LAYERS = {
    "in_proj_weight": "attention.in_proj_weight",
    "in_proj_bias": "attention.in_proj_bias",
    "out_proj_weight": "attention.out_proj.weight",
    "out_proj_bias": "attention.out_proj.bias",
    "w1": "gate.weight",
    "b1": "gate.bias",
    "w2": "displace.weight",
    "b2": "displace.bias",
}


def close(found: Tensor, expected: Array, tolerance: float = 1e-12) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


def fusion(
    students: tuple[Modality, ...] = STUDENTS,
    *,
    scope: AttentionScope = AttentionScope.TURN,
    kind: FusionKind = FusionKind.ASF,
    theta: float = 0.3,
    normalised: bool = False,
    heads: int = HEADS,
    swapped: bool = False,
) -> Fusion:
    """In float64, without dropout, all weights random (those that start at 0 or 1 included)."""
    torch.manual_seed(0)
    config = FusionConfig(
        kind=kind, theta=theta, heads=heads, attention=scope, normalised=normalised, swapped=swapped, dropout=0.0
    )
    made = Fusion(config, students, DIM, CLASSES).double().eval()
    for parameter in made.parameters():
        parameter.data.normal_(std=0.7)
    return made


def weights_of(made: Fusion) -> Weights:
    state = {name: value.numpy() for name, value in made.head.state_dict().items()}
    return Weights(**{name: state[layer] for name, layer in LAYERS.items()})


def features(batch: int, seed: int = 1) -> dict[Modality, Tensor]:
    generator = torch.manual_seed(seed)
    return {m: torch.randn(batch, DIM, generator=generator, dtype=torch.float64) for m in Modality}


def nonverbal(of: Mapping[Modality, Tensor]) -> Tensor:
    return torch.cat([of[m] for m in STUDENTS], -1)


def fuse(made: Fusion, of: Mapping[Modality, Tensor]) -> FusionOutput:
    output: FusionOutput = made(of[Modality.TEXT], of)
    return output


def classified(made: Fusion, fused: Array) -> Array:
    layer = made.head.classifier
    logits: Array = fused @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    return logits


def shifted(made: Fusion, text: Array, attended: Array, weights: Weights, theta: float) -> Array:
    """Equations 16 to 19 from F_att on: logits [B, classes]."""
    gate = np.maximum(np.concatenate([text, attended], 1) @ weights.w1.T + weights.b1, 0)
    vector = gate * (attended @ weights.w2.T + weights.b2)
    length = np.array([sqrt(sum(value**2 for value in row)) or 1.0 for row in vector])
    scale = np.minimum(theta * np.linalg.norm(text, axis=1) / length, 1)
    return classified(made, text + scale[:, None] * vector)


# --- equations 16 to 19, one turn at a time


def problem(batch: int, seed: int = 0, *, closed: bool = False) -> dict[str, Array]:
    """Random inputs; `closed`: in the first turn no gate opens, so that ||H|| = 0."""
    found = random_problem(seed, batch=batch, width=DIM, heads=HEADS)
    if closed:
        found["teacher"][0] = np.linalg.solve(found["w1"][:, :DIM], np.full(DIM, -50.0))
    return found


def in_torch(inputs: Mapping[str, Array], theta: float) -> tuple[AttentionShifting, dict[str, Tensor], FusionOutput]:
    """The module with the problem's weights and a classifier that passes Z through; the tensors that have gradients."""
    config = FusionConfig(theta=theta, heads=HEADS, dropout=0.5)
    module = AttentionShifting(config, 2, DIM, DIM).double().eval()
    module.load_state_dict(
        {layer: torch.tensor(inputs[name]) for name, layer in LAYERS.items()}
        | {"classifier.weight": torch.eye(DIM), "classifier.bias": torch.zeros(DIM)}
    )
    points = {name: torch.tensor(inputs[name]).requires_grad_() for name in ("teacher", "non_verbal")}
    output = module(points["teacher"], list(points["non_verbal"].split(DIM, 1)))
    layers = dict(module.named_parameters())
    return module, points | {name: layers[layer] for name, layer in LAYERS.items()}, output


def reference(inputs: Mapping[str, Array], theta: float) -> tuple[Array, Array, Array, Array]:
    weights = Weights(**{name: inputs[name] for name in LAYERS})
    found = asf(inputs["teacher"], inputs["non_verbal"], weights, heads=HEADS, theta=theta)
    return found.fused, found.displacement, found.lambda_, found.gate


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("theta", [0.0, 0.1, 0.6, 50.0])
def test_asf_is_equations_16_to_19(theta: float, batch: int, closed: bool) -> None:
    inputs = problem(batch, closed=closed)
    _, points, output = in_torch(inputs, theta)
    fused, vector, scale, gate = reference(inputs, theta)
    found = output.displacement
    assert found is not None
    close(output.logits, fused)
    close(found.vector, vector)
    close(found.scale, scale)
    close(found.open_gates, (gate > 0).mean(1), 1e-6)
    close(found.text_norm, np.linalg.norm(inputs["teacher"], axis=1))
    close(found.h_norm, np.linalg.norm(vector, axis=1))
    close(found.shift, scale * np.linalg.norm(vector, axis=1))
    assert (not vector[0].any()) == closed
    assert (found.shift <= theta * found.text_norm * (1 + 1e-12)).all()
    if closed or theta == 0:
        assert torch.equal(output.logits[0], points["teacher"][0])


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("theta", [0.0, 0.1, 50.0])
def test_gradients_of_asf(theta: float, batch: int, closed: bool) -> None:
    inputs = problem(batch, seed=5, closed=closed)
    direction = np.random.default_rng(2).normal(size=(batch, DIM))
    _, points, output = in_torch(inputs, theta)
    (output.logits * torch.tensor(direction)).sum().backward()
    expected = gradients(lambda at: float((reference(at, theta)[0] * direction).sum()), inputs)
    for name, point in points.items():
        slope = np.zeros_like(inputs[name]) if point.grad is None else point.grad.numpy()
        np.testing.assert_allclose(slope, expected[name], rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("theta", [0.1, 50.0])
@pytest.mark.parametrize("name", ["teacher", "non_verbal", "b2"])
def test_zeros_have_finite_gradients(name: str, theta: float) -> None:
    inputs = problem(2)
    inputs[name][:] = 0
    if name == "b2":
        inputs["w2"][:] = 0
    _, points, output = in_torch(inputs, theta)
    output.logits.sum().backward()
    assert output.logits.isfinite().all()
    assert all(point.grad is not None and point.grad.isfinite().all() for point in points.values())


VALUES = st.one_of(st.just(0.0), st.floats(1e-30, 1e6), st.floats(-1e6, -1e-30))
VECTORS = st.lists(VALUES, min_size=4, max_size=4)


@given(VECTORS, VECTORS, st.floats(0, 2), st.sampled_from([0.0, 1e-6]))
def test_the_shift_is_at_most_theta_times_the_text(
    lead: list[float], vector: list[float], theta: float, epsilon: float
) -> None:
    """||lambda H|| <= theta ||F_T||, and it points where H does."""
    F_T, H = (torch.tensor([v], dtype=torch.float64).requires_grad_() for v in (lead, vector))
    fused, scale = shift(F_T, H, theta, epsilon)
    moved = scale.unsqueeze(-1) * H
    assert moved.norm() <= theta * F_T.norm() * (1 + 1e-12) + 1e-300
    assert 0 <= scale.item() <= 1
    torch.testing.assert_close(fused, F_T + moved, rtol=0, atol=0)
    fused.sum().backward()
    assert F_T.grad is not None
    assert H.grad is not None
    assert F_T.grad.isfinite().all()
    assert H.grad.isfinite().all()


def test_the_order_of_students_is_the_order_of_their_features() -> None:
    made, of = fusion((Modality.VISUAL, Modality.AUDIO)), features(3)
    weights, both = weights_of(made), torch.cat([of[Modality.VISUAL], of[Modality.AUDIO]], 1).numpy()
    expected = asf(of[Modality.TEXT].numpy(), both, weights, heads=HEADS, theta=0.3).fused
    close(fuse(made, of).logits, classified(made, expected))


def test_theta_can_be_overridden() -> None:
    of = features(3)
    made, wider = fusion(theta=0.3), fusion(theta=0.9)
    assert torch.equal(made(of[Modality.TEXT], of, theta=0.9).logits, fuse(wider, of).logits)
    assert not torch.equal(fuse(made, of).logits, fuse(wider, of).logits)


# --- scopes


@pytest.mark.parametrize("normalised", [False, True])
def test_batch_of_one_in_the_scope_of_the_batch_is_one_turn(normalised: bool) -> None:
    turn, batch = (fusion(scope=s, normalised=normalised) for s in (AttentionScope.TURN, AttentionScope.BATCH))
    of = features(5)
    for row in range(5):
        one = {m: value[row : row + 1] for m, value in of.items()}
        close(fuse(batch, one).logits, fuse(turn, one).logits.detach().numpy())
    assert not torch.allclose(fuse(batch, of).logits, fuse(turn, of).logits)


def test_scope_of_the_batch_attends_to_the_batch() -> None:
    made, of = fusion(scope=AttentionScope.BATCH), features(5)
    attended = self_attention(nonverbal(of).numpy(), weights_of(made), HEADS)
    close(fuse(made, of).logits, shifted(made, of[Modality.TEXT].numpy(), attended, weights_of(made), 0.3))


def test_scope_of_the_modalities_attends_to_one_token_a_student() -> None:
    made, of = fusion(scope=AttentionScope.MODALITIES), features(5)
    weights = weights_of(made)
    assert weights.in_proj_weight.shape == (3 * DIM, DIM)
    tokens = np.stack([of[m].numpy() for m in STUDENTS], 1)
    attended = np.stack([self_attention(row, weights, HEADS).reshape(-1) for row in tokens])
    close(fuse(made, of).logits, shifted(made, of[Modality.TEXT].numpy(), attended, weights, 0.3))


PAST = torch.randn(3, 4, 2 * DIM, generator=torch.manual_seed(3), dtype=torch.float64)
PAST_MASK = torch.tensor([[True] * 4, [False] * 4, [True, True, False, False]])


def test_scope_of_the_dialogue_attends_to_the_past_and_the_turn() -> None:
    made, of = fusion(scope=AttentionScope.DIALOGUE), features(3)
    weights = weights_of(made)
    rows = zip(PAST.numpy(), PAST_MASK.numpy(), nonverbal(of).numpy(), strict=True)
    attended = np.stack([self_attention(np.vstack([past[real], own]), weights, HEADS)[-1] for past, real, own in rows])
    found = made(of[Modality.TEXT], of, past=PAST, past_mask=PAST_MASK).logits
    close(found, shifted(made, of[Modality.TEXT].numpy(), attended, weights, 0.3))


def test_padding_of_the_past_does_not_matter() -> None:
    made, of = fusion(scope=AttentionScope.DIALOGUE), features(3)
    otherwise = torch.where(PAST_MASK.unsqueeze(-1), PAST, 1e3)
    found = [made(of[Modality.TEXT], of, past=past, past_mask=PAST_MASK).logits for past in (PAST, otherwise)]
    close(found[0], found[1].detach().numpy())


@pytest.mark.parametrize("length", [None, 0, 2])
def test_without_a_past_the_dialogue_is_one_turn(length: int | None) -> None:
    turn, made, of = fusion(), fusion(scope=AttentionScope.DIALOGUE), features(3)
    past = None if length is None else PAST[:, :length]
    mask = None if length is None else torch.zeros(3, length, dtype=torch.bool)
    found = made(of[Modality.TEXT], of, past=past, past_mask=mask).logits
    close(found, fuse(turn, of).logits.detach().numpy())


@pytest.mark.parametrize("scope", sorted(set(AttentionScope) - {AttentionScope.BATCH}))
@pytest.mark.parametrize("normalised", [False, True])
def test_turns_do_not_depend_on_batch_mates(scope: AttentionScope, normalised: bool) -> None:
    made, of = fusion(scope=scope, normalised=normalised), features(3)
    past = {"past": PAST, "past_mask": PAST_MASK} if scope is AttentionScope.DIALOGUE else {}
    together = made(of[Modality.TEXT], of, **past).logits
    for row in range(3):
        one = {m: value[row : row + 1] for m, value in of.items()}
        alone = made(one[Modality.TEXT], one, **{name: value[row : row + 1] for name, value in past.items()}).logits
        close(together[row], alone[0].detach().numpy())


def test_one_student_alone() -> None:
    made, of = fusion((Modality.VISUAL,)), features(3)
    weights = weights_of(made)
    attended = np.stack([self_attention(row[None], weights, HEADS)[0] for row in of[Modality.VISUAL].numpy()])
    close(fuse(made, of).logits, shifted(made, of[Modality.TEXT].numpy(), attended, weights, 0.3))


# --- the released code's head


def layer_norm(x: Array, weight: Tensor, bias: Tensor) -> Array:
    centred = x - x.mean(1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)
    normed: Array = scaled * weight.numpy() + bias.numpy()
    return normed


@pytest.mark.parametrize("theta", [0.0, 0.2, 50.0])
@pytest.mark.parametrize("closed", [False, True])
def test_normalised_is_the_released_head(theta: float, closed: bool) -> None:
    """Residual, LayerNorm of nv, gate of (nv, text), 1e-6 below lambda, LayerNorm of Z."""
    made, of = fusion(scope=AttentionScope.BATCH, normalised=True, theta=theta), features(4)
    state = made.head.state_dict()
    if closed:
        state["gate.bias"].fill_(-50)
    weights, text, nv = weights_of(made), of[Modality.TEXT].numpy(), nonverbal(of).numpy()
    attended = self_attention(nv, weights, HEADS) + nv
    attended = layer_norm(attended, state["norm_nonverbal.weight"], state["norm_nonverbal.bias"])
    gate = np.maximum(np.concatenate([attended, text], 1) @ weights.w1.T + weights.b1, 0)
    vector = gate * (attended @ weights.w2.T + weights.b2)
    length = np.array([sqrt(sum(value**2 for value in row)) or 1.0 for row in vector])
    scale = np.minimum(np.linalg.norm(text, axis=1) / (length + 1e-6) * theta, 1)
    fused = layer_norm(text + scale[:, None] * vector, state["norm_fused.weight"], state["norm_fused.bias"])
    output = fuse(made, of)
    assert output.displacement is not None
    close(output.displacement.scale, scale)
    close(output.logits, classified(made, fused))


@pytest.mark.parametrize("scope", [AttentionScope.TURN, AttentionScope.BATCH, AttentionScope.MODALITIES])
def test_students_may_be_taken_in_reverse_order_except_in_training(scope: AttentionScope) -> None:
    """The released code trains on (audio, video) for IEMOCAP, and infers with (video, audio)."""
    swapped, plain, of = fusion(scope=scope, swapped=True), fusion(scope=scope), features(4)
    exchanged = {**of, Modality.AUDIO: of[Modality.VISUAL], Modality.VISUAL: of[Modality.AUDIO]}
    for training, seen in ((True, of), (False, exchanged)):
        found = fuse(swapped.train(training), of).logits
        assert torch.equal(found, fuse(plain.train(training), seen).logits)
    assert not torch.allclose(fuse(plain, of).logits, fuse(plain, exchanged).logits)


def test_dropout_acts_on_what_the_released_code_drops() -> None:
    """Both after the norms when normalised; on Z alone when not."""
    of = features(64)
    for normalised in (False, True):
        made = fusion(normalised=normalised).train()
        for layer in (made.head.dropout,):
            layer.p = 0.2
        runs = [fuse(made, of) for _ in range(2)]
        vectors = [run.displacement.vector for run in runs if run.displacement is not None]
        assert torch.equal(*vectors) != normalised
        assert not torch.equal(runs[0].logits, runs[1].logits)


# --- plain fusions


def test_concatenation() -> None:
    made, of = fusion(kind=FusionKind.CONCATENATION), features(3)
    output = fuse(made, of)
    assert output.displacement is None
    close(output.logits, classified(made, np.concatenate([of[m].numpy() for m in Modality], 1)))


def projected(made: Fusion, of: Mapping[Modality, Tensor]) -> list[Array]:
    state = {name: value.numpy() for name, value in made.head.state_dict().items()}
    return [
        of[m].numpy() @ state[f"projections.{i}.weight"].T + state[f"projections.{i}.bias"]
        for i, m in enumerate(Modality)
    ]


def test_product() -> None:
    made, of = fusion(kind=FusionKind.PRODUCT), features(3)
    text, audio, visual = projected(made, of)
    close(fuse(made, of).logits, classified(made, np.tanh(text) * np.tanh(audio) * np.tanh(visual)))


def test_weighted_sum() -> None:
    made, of = fusion(kind=FusionKind.WEIGHTED_SUM), features(3)
    powers = np.exp(made.head.state_dict()["weights"].numpy())
    parts = projected(made, of)
    expected = sum(power / powers.sum() * part for power, part in zip(powers, parts, strict=True))
    close(fuse(made, of).logits, classified(made, np.asarray(expected)))


@pytest.mark.parametrize("kind", FusionKind)
def test_every_fusion_trains_and_forgets_its_dropout_in_evaluation(kind: FusionKind) -> None:
    made, of = fusion(kind=kind), features(16)
    gold = of[Modality.TEXT].argmax(1)
    optimiser = torch.optim.Adam(made.parameters(), lr=0.05)
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(fuse(made.train(), of).logits, gold)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            losses.append(torch.nn.functional.cross_entropy(fuse(made.eval(), of).logits, gold).item())
    assert losses[-1] < 0.7 * losses[0]
    assert torch.equal(fuse(made, of).logits, fuse(made, of).logits)


@pytest.mark.parametrize("kind", FusionKind)
def test_a_teacher_without_students_has_a_plain_head(kind: FusionKind) -> None:
    made, of = fusion((), kind=kind), features(3)
    output = fuse(made, of)
    assert output.logits.shape == (3, CLASSES)
    assert output.displacement is None


# --- the head without a shift


@pytest.mark.parametrize("scope", AttentionScope)
@pytest.mark.parametrize("normalised", [False, True])
def test_unshifted_is_theta_0(scope: AttentionScope, normalised: bool) -> None:
    made, of = fusion(scope=scope, normalised=normalised), features(3)
    still = made(of[Modality.TEXT], of, theta=0.0)
    assert torch.equal(made.unshifted(of[Modality.TEXT]), still.logits)
    assert not torch.allclose(still.logits, fuse(made, of).logits)


@pytest.mark.parametrize("kind", [FusionKind.CONCATENATION, FusionKind.PRODUCT, FusionKind.WEIGHTED_SUM])
def test_plain_fusions_have_no_head_for_the_teacher_alone(kind: FusionKind) -> None:
    found = fusion(kind=kind).unshifted(features(3)[Modality.TEXT])
    assert found.shape == (3, CLASSES)
    assert found.isnan().all()


# --- stand-ins


def test_stand_ins_fill_what_is_missing_and_nothing_else() -> None:
    made, known = fusion(), torch.randn(2, 3, DIM, generator=torch.manual_seed(0), dtype=torch.float64)
    present = torch.tensor([[True, False, True], [False, True, True]])
    found = made.fill(Modality.AUDIO, known, present)
    assert torch.equal(found[present], known[present])
    assert torch.equal(found[~present], made.stand_in[Modality.AUDIO].expand(2, DIM))


def test_stand_ins_learn_from_the_turns_that_need_them() -> None:
    made, of = fusion(), features(4)
    present = torch.tensor([True, False, True, False])
    raw = of[Modality.AUDIO].clone().requires_grad_()
    filled = {**of, Modality.AUDIO: made.fill(Modality.AUDIO, raw, present)}
    fuse(made, filled).logits.sum().backward()
    assert raw.grad is not None
    assert [bool(row.any()) for row in raw.grad] == present.tolist()
    learnt, other = (made.stand_in[m].grad for m in STUDENTS)
    assert learnt is not None
    assert learnt.any()
    assert other is None


def test_stand_ins_start_as_the_mean_of_the_training_features() -> None:
    made = fusion()
    before = made.stand_in[Modality.VISUAL].clone()
    audio = torch.arange(12.0).view(4, DIM)
    lacking = torch.zeros(4, dtype=torch.bool)
    start_stand_ins(
        made,
        {
            Modality.AUDIO: Embeddings(audio, torch.zeros(4, CLASSES), torch.tensor([True, False, True, True])),
            Modality.VISUAL: Embeddings(audio, torch.zeros(4, CLASSES), lacking),
        },
        train=[0, 1, 2],
    )
    close(made.stand_in[Modality.AUDIO], np.array([3.0, 4.0, 5.0]))
    assert torch.equal(made.stand_in[Modality.VISUAL], before)


def test_only_the_modalities_named_are_read() -> None:
    made, of = fusion((Modality.AUDIO,)), features(2)
    without = {Modality.AUDIO: of[Modality.AUDIO]}
    found = [made(of[Modality.TEXT], known).logits for known in (of, without)]
    assert all(torch.equal(a, b) for a, b in pairwise(found))
