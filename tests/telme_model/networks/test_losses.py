"""The losses against float64 re-derivations from the paper's equations, gradients included, and at the edges."""

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from telme_model.networks.losses import NO_GOLD, classification_loss, feature_loss, response_loss, student_loss

Matrix = NDArray[np.float64]

# --- the equations, in plain loops


def softmax_reference(z: Matrix, tau: float) -> list[float]:
    """Equations 8, 9, 13 and 14 for one row."""
    largest = max(z)
    powers = [exp((value - largest) / tau) for value in z]
    return [power / sum(powers) for power in powers]


def distance_reference(u: list[float], v: list[float]) -> float:
    """Equation 7; 1 where a vector has no variance (the convention of `response_loss`)."""
    n = len(u)
    mean_u, mean_v = sum(u) / n, sum(v) / n
    covariance = sum((a - mean_u) * (b - mean_v) for a, b in zip(u, v, strict=True)) / n
    variance_u = sum((a - mean_u) ** 2 for a in u) / n
    variance_v = sum((b - mean_v) ** 2 for b in v) / n
    if variance_u == 0 or variance_v == 0:
        return 1.0
    return 1 - covariance / (sqrt(variance_u) * sqrt(variance_v))


def inter_reference(student: Matrix, teacher: Matrix, tau: float) -> float:
    """Equation 10."""
    rows = range(student.shape[0])
    y_s = [softmax_reference(student[i], tau) for i in rows]
    y_t = [softmax_reference(teacher[i], tau) for i in rows]
    return tau**2 / len(rows) * sum(distance_reference(y_s[i], y_t[i]) for i in rows)


def intra_reference(student: Matrix, teacher: Matrix, tau: float) -> float:
    """Equation 11."""
    rows, columns = range(student.shape[0]), range(student.shape[1])
    y_s = [softmax_reference(student[i], tau) for i in rows]
    y_t = [softmax_reference(teacher[i], tau) for i in rows]
    total = 0.0
    for j in columns:
        total += distance_reference([y_s[i][j] for i in rows], [y_t[i][j] for i in rows])
    return tau**2 / len(columns) * total


def response_reference(student: Matrix, teacher: Matrix, tau: float) -> float:
    """Equation 12."""
    return inter_reference(student, teacher, tau) + intra_reference(student, teacher, tau)


def feature_reference(student: Matrix, teacher: Matrix, tau: float) -> float:
    """Equations 13 to 15 on rows scaled to length 1."""

    def unit(row: Matrix) -> Matrix:
        return row / sqrt(sum(value * value for value in row))

    batch = range(student.shape[0])
    s, t = [unit(student[i]) for i in batch], [unit(teacher[i]) for i in batch]
    loss = 0.0
    for i in batch:
        p = softmax_reference(np.array([float(t[i] @ t[j]) for j in batch]), tau)
        q = softmax_reference(np.array([float(t[i] @ s[j]) for j in batch]), tau)
        loss += sum(p[j] * log(p[j] / q[j]) for j in batch)
    return loss / len(batch)


def classification_reference(logits: Matrix, gold: NDArray[np.int64]) -> float:
    rows = [(logits[i], k) for i, k in enumerate(gold) if k != NO_GOLD]
    return -sum(log(softmax_reference(row, 1.0)[k]) for row, k in rows) / len(rows)


def slope(function: Callable[[Matrix], float], at: Matrix, step: float = 1e-5) -> Matrix:
    """Central differences of a scalar function of a matrix."""
    gradient = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[index] = step
        gradient[index] = (function(at + nudge) - function(at - nudge)) / (2 * step)
    return gradient


# --- values and gradients


def differentiated(loss: Callable[[torch.Tensor], torch.Tensor], at: Matrix | torch.Tensor) -> tuple[float, Matrix]:
    point = torch.as_tensor(at).clone().requires_grad_()
    value = loss(point)
    value.backward()
    assert point.grad is not None
    return value.item(), point.grad.double().numpy()


@st.composite
def batches(draw: st.DrawFn, columns: st.SearchStrategy[int]) -> tuple[Matrix, Matrix, float]:
    """Student and teacher matrices [B, columns] and a temperature."""
    shape = draw(st.integers(2, 5)), draw(columns)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([0.1, 1.0, 5.0]))
    return rng.normal(0, spread, shape), rng.normal(0, 2, shape), draw(st.sampled_from([0.5, 1.0, 2.0, 4.0]))


@settings(max_examples=40, deadline=None)
@given(batches(st.integers(3, 7)))
def test_response_loss_is_equations_7_to_12(batch: tuple[Matrix, Matrix, float]) -> None:
    student, teacher, tau = batch
    value, gradient = differentiated(lambda z: response_loss(z, torch.tensor(teacher), tau), student)
    assert value == pytest.approx(response_reference(student, teacher, tau), rel=1e-9)
    expected = slope(lambda z: response_reference(z, teacher, tau), student)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(batches(st.integers(2, 9)))
def test_feature_loss_is_equations_13_to_15(batch: tuple[Matrix, Matrix, float]) -> None:
    student, teacher, tau = batch
    value, gradient = differentiated(lambda f: feature_loss(f, torch.tensor(teacher), tau), student)
    assert value == pytest.approx(feature_reference(student, teacher, tau), rel=1e-9, abs=1e-14)
    step = 1e-5 * float(np.abs(student).max())
    expected = slope(lambda f: feature_reference(f, teacher, tau), student, step)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-6 * max(1.0, float(np.abs(expected).max())))


@settings(max_examples=20, deadline=None)
@given(batches(st.just(7)), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.0, 1.0]))
def test_student_loss_is_equation_6(batch: tuple[Matrix, Matrix, float], alpha: float, beta: float) -> None:
    student, teacher, tau = batch
    gold = np.arange(len(student)) % 3  # classes 3 to 6 are missing from the batch
    mixing = np.random.default_rng(1).normal(size=(7, 7))

    def loss(z: torch.Tensor) -> torch.Tensor:
        features, t = z @ torch.tensor(mixing), torch.tensor(teacher)
        terms = student_loss(
            z, features, torch.tensor(gold), t, t, alpha=alpha, beta=beta, response_tau=tau, feature_tau=1.0
        )
        assert terms.total.item() == pytest.approx(
            (terms.cls + alpha * terms.response + beta * terms.feature).item(), rel=1e-12
        )
        return terms.total

    def reference(z: Matrix) -> float:
        total = classification_reference(z, gold)
        total += alpha * response_reference(z, teacher, tau) if alpha else 0
        return total + (beta * feature_reference(z @ mixing, teacher, 1.0) if beta else 0)

    value, gradient = differentiated(loss, student)
    assert value == pytest.approx(reference(student), rel=1e-9)
    np.testing.assert_allclose(gradient, slope(reference, student, 1e-6), rtol=1e-3, atol=1e-5)


def test_known_values() -> None:
    """Two turns, two classes: rankings agree (distance 0) in row 0, oppose (2) in row 1; columns likewise."""
    teacher = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
    student = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    assert response_loss(student, teacher, 1.0).item() == pytest.approx(1.0)
    assert response_loss(student, teacher, 2.0).item() == pytest.approx(4.0)
    same = torch.randn(5, 7, generator=torch.manual_seed(0))
    assert response_loss(same, same + 3, 4.0).item() == pytest.approx(0, abs=1e-4)
    assert feature_loss(same, 2 * same, 1.0).item() == pytest.approx(0, abs=1e-6)


# --- edges


def test_batch_of_one_has_a_constant_intra_term_and_no_feature_loss() -> None:
    student, teacher = np.array([[0.3, -1.0, 0.5]]), np.array([[1.0, 0.2, -0.4]])
    value, gradient = differentiated(lambda z: response_loss(z, torch.tensor(teacher), 2.0), student)
    assert value == pytest.approx(inter_reference(student, teacher, 2.0) + 4.0)
    np.testing.assert_allclose(gradient, slope(lambda z: inter_reference(z, teacher, 2.0), student), atol=1e-8)
    value, gradient = differentiated(lambda f: feature_loss(f, torch.tensor(teacher), 1.0), student)
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("constant", ["student", "teacher", "both"])
def test_constant_predictions_count_with_distance_1_and_send_no_gradient(dtype: torch.dtype, constant: str) -> None:
    varied = torch.randn(4, 7, generator=torch.manual_seed(0)).to(dtype)
    flat = torch.full((4, 7), 0.7, dtype=dtype)
    student = varied if constant == "teacher" else flat
    teacher = varied if constant == "student" else flat
    value, gradient = differentiated(lambda z: response_loss(z, teacher, 2.0), student)
    assert value == 2 * 2.0**2
    assert not gradient.any()


def test_differences_of_rounding_are_no_ranking() -> None:
    student, teacher = torch.ones(2, 7), torch.randn(2, 7, generator=torch.manual_seed(0))
    student[0, 3] += torch.finfo(torch.float32).eps
    value, gradient = differentiated(lambda z: response_loss(z, teacher, 1.0), student)
    assert value == 2
    assert not gradient.any()


def test_identical_rows_keep_their_inter_gradient() -> None:
    """All turns predicted alike: no variance in any column, but the rows still have a ranking."""
    student, teacher = np.tile([[0.5, -0.2, 0.1]], (4, 1)), np.random.default_rng(0).normal(size=(4, 3))
    value, gradient = differentiated(lambda z: response_loss(z, torch.tensor(teacher), 1.0), student)
    assert value == pytest.approx(inter_reference(student, teacher, 1.0) + 1.0)
    np.testing.assert_allclose(gradient, slope(lambda z: inter_reference(z, teacher, 1.0), student), atol=1e-8)


def test_class_improbable_in_the_whole_batch_keeps_its_ranking_in_float32() -> None:
    """Probabilities of e^-200 are 0 in float32; their correlation is not."""
    rng = np.random.default_rng(3)
    student, teacher = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    student[:, 2] -= 200
    single = torch.tensor(student, dtype=torch.float32)
    value, gradient = differentiated(lambda z: response_loss(z, torch.tensor(teacher).float(), 1.0), single)
    assert value == pytest.approx(response_reference(student, teacher, 1.0), rel=1e-4)
    expected = slope(lambda z: response_reference(z, teacher, 1.0), student)
    np.testing.assert_allclose(gradient, expected, rtol=1e-2, atol=1e-4)


def test_one_class_missing_from_the_batch() -> None:
    student = torch.randn(4, 3, generator=torch.manual_seed(0), dtype=torch.float64)
    teacher = torch.tensor([[9.0, 0.0, -300.0], [0.0, 9.0, -300.0], [8.0, 1.0, -300.0], [1.0, 8.0, -300.0]])
    gold = torch.tensor([0, 1, 0, 1])
    terms = student_loss(
        student, student, gold, teacher.double(), student, alpha=1, beta=1, response_tau=1, feature_tau=1
    )
    expected = classification_reference(student.numpy(), gold.numpy())
    assert terms.cls.item() == pytest.approx(expected)
    assert terms.response.item() == pytest.approx(response_reference(student.numpy(), teacher.double().numpy(), 1.0))


@pytest.mark.parametrize("size", [1e4, 6e4, 1e30])
@pytest.mark.parametrize("tau", [0.5, 4.0])
def test_huge_logits_and_features_stay_finite(size: float, tau: float) -> None:
    rng = np.random.default_rng(0)
    student = torch.tensor(size * rng.normal(size=(4, 7)), dtype=torch.float32)
    teacher = torch.tensor(size * rng.normal(size=(4, 7)), dtype=torch.float32)

    def loss(z: torch.Tensor) -> torch.Tensor:
        gold = torch.tensor([0, 1, 2, 3])
        return student_loss(z, z, gold, teacher, teacher, alpha=1, beta=1, response_tau=tau, feature_tau=tau).total

    value, gradient = differentiated(loss, student)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_infinitely_improbable_classes_stay_finite() -> None:
    largest = torch.finfo(torch.float32).max
    student = torch.tensor([[largest, -largest, 0.0], [largest, -largest, 1.0]])
    teacher = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]])
    value, gradient = differentiated(lambda z: response_loss(z, teacher, 1.0), student)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(0)
    student, teacher = (torch.tensor(rng.normal(size=(4, 7))).to(dtype) for _ in range(2))
    exact = student.double().numpy(), teacher.double().numpy()
    for loss, reference in ((response_loss, response_reference), (feature_loss, feature_reference)):
        found = loss(student, teacher, 2.0)
        assert found.dtype == torch.float32
        assert found.item() == pytest.approx(reference(*exact, 2.0), rel=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = feature_loss(student.float(), teacher.float(), 2.0)
    assert inside.item() == pytest.approx(feature_reference(*exact, 2.0), rel=1e-5)


def test_student_and_teacher_may_differ_in_precision() -> None:
    rng = np.random.default_rng(0)
    student, teacher = torch.tensor(rng.normal(size=(3, 4))), torch.tensor(rng.normal(size=(3, 4))).half()
    for loss in (response_loss, feature_loss):
        assert loss(student, teacher, 1.0).dtype == torch.float64
        assert torch.isfinite(loss(teacher, student, 1.0))


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e25])
def test_features_of_any_length_have_finite_gradients(size: float) -> None:
    rng = np.random.default_rng(0)
    teacher = torch.tensor(rng.normal(size=(3, 4)), dtype=torch.float32)
    student = torch.tensor(rng.normal(size=(3, 4)), dtype=torch.float32)
    student[1] *= size
    value, gradient = differentiated(lambda f: feature_loss(f, teacher, 1.0), student)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() < 1
    if size == 1e25:
        expected = feature_reference(student.double().numpy(), teacher.double().numpy(), 1.0)
        assert value == pytest.approx(expected, rel=1e-5)
    assert torch.isfinite(feature_loss(teacher, student, 1.0))


def test_turns_without_gold_are_left_out_of_classification() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3))
    gold = np.array([0, NO_GOLD, 2, NO_GOLD])
    found = classification_loss(torch.tensor(logits), torch.tensor(gold))
    assert found.item() == pytest.approx(classification_reference(logits, gold))
    value, gradient = differentiated(lambda z: classification_loss(z, torch.full((4,), NO_GOLD)), logits)
    assert value == 0
    assert not gradient.any()


def test_factors_of_0_skip_their_terms() -> None:
    logits, gold = torch.randn(3, 4, generator=torch.manual_seed(0)), torch.tensor([0, 1, 2])
    terms = student_loss(logits, logits, gold, alpha=0, beta=0, response_tau=1, feature_tau=1)
    assert terms.response.item() == terms.feature.item() == 0
    assert terms.total.item() == terms.cls.item()
    with pytest.raises(ValueError, match="teacher's logits"):
        student_loss(logits, logits, gold, alpha=1, beta=0, response_tau=1, feature_tau=1)
    with pytest.raises(ValueError, match="teacher's features"):
        student_loss(logits, logits, gold, logits, alpha=1, beta=1, response_tau=1, feature_tau=1)


def test_no_gradient_reaches_the_teacher() -> None:
    generator = torch.manual_seed(0)
    student, teacher = (torch.randn(3, 4, generator=generator).requires_grad_() for _ in range(2))
    (response_loss(student, teacher, 1.0) + feature_loss(student, teacher, 1.0)).backward()
    assert student.grad is not None
    assert teacher.grad is None
