"""Metrics are those of the whole set, and agree with scikit-learn."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from nas.core import parts
from nas.training.measuring import Predictions, metrics


def random_predictions(seed: int, count: int, classes: int) -> Predictions:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator)
    return Predictions(logits, torch.randint(classes, (count,), generator=generator))


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 17), st.integers(1, 300))
def test_every_metric_agrees_with_scikit_learn(seed: int, count: int, classes: int, batch_size: int) -> None:
    predictions = random_predictions(seed, count, classes)
    truth, guess = predictions.labels.numpy(), predictions.logits.argmax(1).numpy()
    ours, labels = metrics(predictions, batch_size), list(range(classes))
    assert tuple(ours) == parts.names("metric")
    assert ours["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, guess))
    for name, function in (
        ("precision", sklearn.precision_score),
        ("recall", sklearn.recall_score),
        ("macro_f1", sklearn.f1_score),
    ):
        expected = function(truth, guess, average="macro", labels=labels, zero_division=0)
        assert ours[name] == pytest.approx(expected), name
    probabilities = predictions.logits.double().softmax(1).numpy()
    assert ours["loss"] == pytest.approx(sklearn.log_loss(truth, probabilities, labels=labels), rel=1e-5)
    if classes > 3:
        top3 = sklearn.top_k_accuracy_score(truth, probabilities, k=3, labels=labels)
        assert ours["top3_accuracy"] == pytest.approx(top3)


def test_a_class_that_is_never_predicted_counts_as_zero_precision() -> None:
    logits = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert metrics(Predictions(logits, torch.tensor([0, 1, 2])), 3)["precision"] == pytest.approx((0.5 + 0 + 1) / 3)


def test_batch_precision_of_a_perfect_classifier_is_bounded_by_the_batch_size() -> None:
    labels = torch.arange(17).repeat_interleave(20)
    perfect = Predictions(torch.nn.functional.one_hot(labels, 17).float(), labels)
    ceilings = {4: 0.059, 8: 0.070, 16: 0.092, 64: 0.225, 128: 0.383, 213: 0.559, 240: 0.585, 280: 0.709, 340: 1.0}
    for batch_size, ceiling in ceilings.items():
        assert metrics(perfect, batch_size)["batch_precision"] == pytest.approx(ceiling, abs=6e-4), batch_size
        assert metrics(perfect, batch_size)["precision"] == 1


def test_two_classes_have_a_top_two() -> None:
    assert metrics(random_predictions(0, 20, 2), 8)["top3_accuracy"] == 1


def test_logits_that_are_not_numbers_give_a_loss_that_is_none() -> None:
    assert math.isnan(metrics(Predictions(torch.full((4, 3), math.nan), torch.tensor([0, 1, 2, 0])), 2)["loss"])
