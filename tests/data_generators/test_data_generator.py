"""Batches: every word once, the same whoever asks and in which order, and padded only to their own size."""

import itertools

import keras
import numpy as np
import pytest

from data_generators import collator
from data_generators.collator import WIDTH_STEP
from data_generators.input_pipeline import InputPipeline, stream
from data_generators.training_words import train_subset
from preprocessing.labels import read_labels
from preprocessing.tokenizer import END, PAD, START, Tokenizer
from tests.helpers.data import HEIGHT, TOKENIZER, make_config, make_dataset, make_generator, spec_of
from tests.helpers.tiny import tiny_settings
from trainers import run
from utils.config.load import validate_config

STRIDE = 4


def same(first, second):
    leaves = zip(keras.tree.flatten(first), keras.tree.flatten(second))
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in leaves)


# What a batch holds


def test_shapes_and_types_of_a_batch():
    generator = make_generator()
    (inputs, target), positions = generator.batch(0, 2), generator.positions(0)[2]
    labels = [generator.dataset.words[position].label for position in positions]
    steps = max(map(len, labels)) + 1
    widest = max(-(-generator.widths[position] // WIDTH_STEP) * WIDTH_STEP for position in positions)
    assert inputs["image"].shape == (8, HEIGHT, widest, 1) and inputs["image"].dtype == np.uint8
    assert inputs["width"].shape == (8,) and inputs["width"].dtype == np.int32
    assert inputs["decoder_input"].shape == target.shape == (8, steps)
    assert inputs["decoder_input"].dtype == target.dtype == np.int32
    assert set(inputs) == {"image", "width", "decoder_input"}


def test_decoder_input_and_target_are_shifted_by_one():
    generator = make_generator()
    inputs, target = generator.batch(0, 0)
    positions = generator.positions(0)[0]
    assert len({len(generator.dataset.words[position].label) for position in positions}) > 1
    for row, shifted, position in zip(inputs["decoder_input"], target, positions):
        label = generator.dataset.words[position].label
        ids = TOKENIZER.encode(label)
        rest = [PAD] * (len(row) - len(ids) - 1)
        assert row.tolist() == [START, *ids, *rest] and shifted.tolist() == [*ids, END, *rest]


def test_images_labels_and_widths_belong_together_and_padding_is_paper():
    generator = make_generator()
    batch_widths, lengths = set(), set()
    for index, positions in enumerate(generator.positions(0)):
        inputs, target = generator.batch(0, index)
        for image, width, ids, position in zip(inputs["image"], inputs["width"], target, positions):
            own = generator.widths[position]
            assert (image[:, :own] == position).all() and (image[:, own:] == 255).all()
            assert width == -(-own // STRIDE) * STRIDE
            assert TOKENIZER.decode(ids) == generator.dataset.words[position].label
        batch_widths.add(inputs["image"].shape[2])
        lengths.add(target.shape[1])
        assert inputs["image"].shape[2] == -(-inputs["width"].max() // WIDTH_STEP) * WIDTH_STEP
        assert (target[:, -1] != PAD).any()
    # Each batch is padded to its own size, not to a common one.
    assert len(batch_widths) > 2 and len(lengths) > 1


def test_ctc_gives_every_label_enough_columns():
    # 64 columns of 1 pixel would do for all; images are at most 64 pixels, so 16 columns, wide.
    labels = ["a" * 8, "abababab", "a", "aabbccdd"]
    network = {"ctc_weight": 0.5, "pooling": [[4, 8]]}
    generator = make_generator(make_dataset(labels=labels), shuffle=False, network=network)
    inputs, targets = generator.batch(0, 0)
    assert set(targets) == {"characters", "columns"} and same(targets["characters"], targets["columns"])
    for position, width in zip(generator.positions(0)[0], inputs["width"]):
        label = labels[position]
        repeats = sum(first == second for first, second in itertools.pairwise(label))
        least = (len(label) + repeats) * 8
        assert width >= least and width == max(least, -(-generator.widths[position] // 8) * 8)
    assert max(inputs["width"]) == 15 * 8
    without = make_generator(make_dataset(labels=labels), shuffle=False)
    assert without.batch(0, 0)[0]["width"].max() <= 64


# Augmentation


def test_only_the_flag_turns_augmentation_on(monkeypatch):
    plain, augmented = make_generator(), make_generator(augmented=True)
    assert not same(plain.batch(0, 0), augmented.batch(0, 0))
    monkeypatch.setattr(collator, "augment", lambda *args: pytest.fail("augmented"))
    # Even if the section says so: the validation generator has the same config.
    assert same(plain.batch(0, 0), make_generator(data_aug={"use_data_aug": True}).batch(0, 0))


def test_augmentation_is_of_word_epoch_and_seed_alone():
    dataset = make_dataset()

    def image(epoch, position, batch_size=8, seed=1):
        generator = make_generator(dataset, augmented=True, train={"batch_size": batch_size}, seed=seed)
        for index, positions in enumerate(generator.positions(epoch)):
            if position in positions:
                inputs, _ = generator.batch(epoch, index)
                row = positions.tolist().index(position)
                return inputs["image"][row, :, : inputs["width"][row]]

    assert same(image(0, 5), image(0, 5)) and same(image(0, 5), image(0, 5, batch_size=3))
    assert not same(image(0, 5)[:, :8], image(1, 5)[:, :8])
    assert not same(image(0, 5)[:, :8], image(0, 5, seed=2)[:, :8])


def test_lines_get_their_share_of_the_distortions(monkeypatch):
    drawn = {}
    monkeypatch.setattr(collator, "augment", lambda image, aug, rng, most: drawn.setdefault(image[0, 0], aug) and image)
    images = [np.full((HEIGHT, 40), number, np.uint8) for number in range(2)]
    for share in (1.0, 0.5):
        drawn.clear()
        aug = {"share_on_lines": share, "shear_range": 8, "thickness_range": 1, "zoom_range": [0.8, 1.2]}
        config = make_config(data_aug=aug)
        made = collator.Collator(spec_of(config, Tokenizer("ab ")), config.data_aug)
        made.collate(["ab", "a b"], np.array([40, 40]), images.__getitem__, [(1,), (2,)])
        word, line = drawn[0], drawn[1]
        assert (word.shear_range, word.thickness_range, word.zoom_range) == (8, 1, [0.8, 1.2])
        assert (line.shear_range, line.thickness_range) == (8 * share, share)
        assert line.zoom_range == pytest.approx([1 - 0.2 * share, 1 + 0.2 * share])
        assert line.noise_range == word.noise_range


# Order, threads and resuming


def test_batches_do_not_depend_on_the_order_of_access():
    in_order = make_generator(augmented=True)
    tasks = [(epoch, index) for epoch in range(2) for index in range(len(in_order))]
    expected = {task: in_order.batch(*task) for task in tasks}
    generator = make_generator(augmented=True)
    for task in np.random.default_rng(1).permutation(tasks).tolist() + tasks[::-1]:
        assert same(generator.batch(*task), expected[tuple(task)])


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_stream_is_the_epochs_one_after_the_other_whatever_the_threads(threads):
    generator = make_generator(augmented=True)
    expected = [generator.batch(epoch, index) for epoch in (0, 1) for index in range(len(generator))]
    fed = stream(make_generator(augmented=True), 0, 0, threads)
    assert all(same(first, second) for first, second in zip(expected, itertools.islice(fed, 14), strict=True))
    fed.close()


@pytest.mark.parametrize(("epoch", "step"), [(0, 3), (1, 1), (1, 6)])
def test_a_stream_from_within_an_epoch_is_the_tail_of_the_full_one(epoch, step):
    generator = make_generator(augmented=True)
    full = list(itertools.islice(stream(generator, 0, 0, 2), 14))
    tail = list(itertools.islice(stream(make_generator(augmented=True), epoch, step, 2), 20))
    expected = full[7 * epoch + step : 7 * (epoch + 1)]
    assert len(tail) == 7 - step
    assert all(same(first, second) for first, second in zip(tail, expected, strict=True))


def test_the_feed_starts_where_training_stands():
    feed = InputPipeline(make_generator(augmented=True), threads=2)
    feed.epoch, feed.step = 1, 5
    found = [keras.tree.map_structure(np.asarray, batch) for batch in itertools.islice(feed.dataset(), 2)]
    expected = [feed.generator.batch(1, index) for index in (5, 6)]
    assert all(same(first, second) for first, second in zip(found, expected, strict=True))


# Which words are trained on and validated


@pytest.mark.parametrize(("fraction", "number"), [(0.8, 40), (0.5, 25), (0.001, 1), (0, 1), (1, 50)])
def test_subset_has_the_right_size_and_no_word_twice(fraction, number):
    keys = {"train_on_subset": {"enabled": True, "dataset_fraction": fraction}}
    dataset = make_dataset()
    subset = train_subset(dataset, make_config(train=keys).train.train_on_subset)
    names = [word.filename for word in subset.words]
    assert len(subset) == len(set(names)) == number
    for position, name in enumerate(names):
        assert (subset.image(position) == int(name.removesuffix(".png"))).all()


def test_training_validates_on_the_validation_words(dataset, tmp_path, monkeypatch):
    # The seed project passed its training generator as validation data.
    caught = {}

    class Caught:
        def __init__(self, config, experiment, network, licence, train_generator, val_generator, val_dataset, cluster):
            caught.update(train=train_generator, val=val_generator, decoded=val_dataset)
            self.val_dataset = val_dataset
            self.experiment = experiment

        def train(self):
            pass

    monkeypatch.setattr(run, "TrainerSeq2Seq", Caught)
    config = validate_config(tiny_settings(dataset, tmp_path, data_aug={"use_data_aug": True}), "test")
    run.train(config)
    splits = read_labels(config.labels_file).splits
    assert caught["train"].dataset.words == splits["train"]
    assert caught["val"].dataset.words == caught["decoded"].words == splits["val"]
    trained = {word.filename for word in caught["train"].dataset.words}
    assert not trained & {word.filename for word in caught["val"].dataset.words}
    assert caught["train"].collator.aug and not caught["val"].collator.aug
    assert caught["train"].shuffle and not caught["val"].shuffle


def test_wrong_characters_mislead_the_decoder_only_in_training():
    labels = ["abcdefgh"] * 400
    share = {"wrong_characters": 0.25, "noise_range": 0}
    generator = make_generator(make_dataset(labels=labels), augmented=True, data_aug=share)
    again = make_generator(make_dataset(labels=labels), augmented=True, data_aug=share)
    unlike, told = 0, TOKENIZER.encode_batch(labels[:1])[0][0]
    for index in range(len(generator)):
        inputs, target = generator.batch(1, index)
        assert same((inputs, target), again.batch(1, index))
        assert np.array_equal(target, TOKENIZER.encode_batch(labels[: len(target)])[1])
        given = inputs["decoder_input"]
        assert (given[:, 0] == START).all() and (given[:, 1:] > END).all()
        unlike += (given != told).sum()
    # A quarter of 3,200, an eighth of them by the right character; five standard deviations around it.
    assert 575 < unlike < 825
    untouched = make_generator(make_dataset(labels=labels), data_aug=share).batch(1, 0)[0]
    assert (untouched["decoder_input"] == told).all()
