"""The learning rate of each step, by hand."""

import math

import pytest

from callbacks.learning_rate import LearningRate
from utils.config.train import TrainConfig


def test_learning_rate_by_hand():
    cosine = TrainConfig(learning_rate=1.0, warmup_steps=4, schedule="cosine", final_learning_rate=0.2, num_epochs=3)
    schedule = LearningRate(cosine, steps_per_epoch=4)
    assert [schedule.rate(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert [schedule.rate(step) for step in (4, 6, 8, 12)] == pytest.approx(
        [1.0, 0.2 + 0.4 * (1 + math.sqrt(0.5)), 0.6, 0.2]
    )
    constant = TrainConfig(learning_rate=1.0, warmup_steps=2, schedule="constant")
    schedule = LearningRate(constant, steps_per_epoch=4)
    assert [schedule.rate(step) for step in range(4)] == [0.5, 1.0, 1.0, None]


def test_a_constant_rate_comes_to_its_peak_after_a_change_of_the_batch_size():
    """One epoch of 100 steps was trained, the next ones have 400: warm-up, of 300 steps, is over."""
    constant = TrainConfig(learning_rate=1.0, warmup_steps=300, schedule="constant")
    schedule = LearningRate(constant, steps_per_epoch=400, epoch=1)
    assert [schedule.rate(step) for step in (400, 401)] == [1.0, None]
    # Where it had come to the peak, it may have been lowered since.
    schedule = LearningRate(constant, steps_per_epoch=400, epoch=1, was_warm=True)
    assert [schedule.rate(step) for step in (400, 401)] == [None, None]


@pytest.mark.parametrize(("schedule", "expected"), [("constant", None), ("cosine", 1.0)])
def test_a_warm_up_that_is_over_does_not_begin_again_with_larger_batches(schedule, expected):
    """Four epochs of 100 steps were trained, the next ones have 25."""
    train = TrainConfig(learning_rate=1.0, warmup_steps=300, schedule=schedule, num_epochs=40)
    rates = LearningRate(train, steps_per_epoch=25, epoch=4, was_warm=True)
    assert [rates.rate(step) for step in (100, 300)] == [expected, expected]


def test_a_cosine_never_rises():
    train = TrainConfig(learning_rate=1e-6, final_learning_rate=1e-5, warmup_steps=0, schedule="cosine", num_epochs=1)
    rates = LearningRate(train, steps_per_epoch=10)
    assert [rates.rate(step) for step in (0, 5, 10)] == [1e-6, 1e-6, 1e-6]


@pytest.mark.parametrize(("was_cosine", "expected"), [(True, 1.0), (False, None)])
def test_a_constant_rate_is_set_once_after_a_cosine(was_cosine, expected):
    constant = TrainConfig(learning_rate=1.0, warmup_steps=3, schedule="constant")
    rates = LearningRate(constant, steps_per_epoch=10, epoch=1, was_warm=True, was_cosine=was_cosine)
    assert [rates.rate(step) for step in (10, 11)] == [expected, None]
