"""Makes new words of the letters of training words, after StackMix (Shonenkov et al. 2021, arXiv:2108.11667).

The beginning of one word and the end of another, of the same writer, are joined where they make a word of the lexicon:
real letters in words that the dataset lacks. A model with a CTC head says where the letters are, in lines, too, and
leaves out new words that it reads otherwise, where a cut was wrong.

Example: python -m tools.recombine_words -c configs/iam.yml --words 24000 --output datasets/words/iam_recombined
"""

import argparse
import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from data_generators.image_cache import decode_inside
from data_generators.source import DataSource
from models.model_folder import ModelFolder
from models.model_paths import find_model
from predictors.ctc_alignment import align
from predictors.lexicon.words import Lexicon, read_lexicon
from predictors.onnx.runtime import PredictorOnnx
from preprocessing.batch import pad_images
from preprocessing.image_file import configure_process
from preprocessing.labels import Word
from preprocessing.normaliser import normalise
from preprocessing.recombine import Letters, cut_letters, join_letters, split_line
from preprocessing.word_image import to_network_geometry
from tools.dataset_writer import DatasetWriter
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config
from utils.config.schema import Config
from utils.errors import UserError
from utils.log import log, progress_bar

# Log probability by which the model's own reading may exceed a word's label.
MOST_DOUBT = 3.0
INK = 128  # grey level of the network's input below which there is ink
CAPITALISED = 0.15  # share of the words
TRIES = 300  # words of the lexicon that are tried for each word wanted
MOST_WORDS = 2000
BATCH = 16


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description="Makes new words of the letters of training words.")
    add_config_options(parser, "configs/iam.yml")
    add = parser.add_argument
    add("--words", type=number(int, 1), required=True, help="how many, if the letters of the writers make so many")
    add("--output", type=Path, required=True, help="folder of the dataset: words/ and labels.json")
    options = parser.parse_args(arguments)
    return run_command(lambda: recombine(load_config(options.conf, options.set), options.words, options.output))


def recombine(config: Config, number: int, output: Path) -> int:
    """Writes about `number` new words of the config's training words, model and lexicon; returns the exit code.

    Raises UserError if the labels file or the model can't be read, or no word can be made.
    """
    dataset = DatasetWriter(output, "words")
    configure_process()
    source = DataSource.of(config)
    words = source.read_labels().splits["train"]
    aligner = Aligner(config, source, dataset.left_out)
    known = {word.label for word in words}
    draw = drawing(read_lexicon(config.predict.lexicon.file, config.predict.lexicon.oov_penalty))
    rng = np.random.default_rng(config.seed)
    writers: dict[str | None, list[Word]] = defaultdict(list)
    for word in words:
        writers[word.writer].append(word)
    if unknown := len(writers[None]):
        log(f"Of {unknown} words the writer is unknown; they are taken for those of one hand.")
    names = (f"{number:06}.png" for number in itertools.count())
    with progress_bar(desc="Recombining words", total=len(words), unit="word") as bar:
        done = 0
        for writer, own in _parts(writers):
            # Of writers of few words some get one, and some none.
            wanted = round(number * (done + len(own)) / len(words)) - round(number * done / len(words))
            done += len(own)
            wished = [word for word in draw(rng, TRIES * wanted) if word not in known]
            candidates = new_words(aligner.letters(own) if wanted else [], wished, rng)
            for label, picture in itertools.islice(aligner.confirmed(candidates), wanted):
                dataset.add("train", Word(next(names), label, writer), picture)
            bar.update(len(own))
    dataset.finish("words", f"No new word could be made of the training words of {source.labels}.")
    return 0


def _parts(writers: dict[str | None, list[Word]]) -> Iterator[tuple[str | None, list[Word]]]:
    """Yields the words of each writer, at most MOST_WORDS together: their pictures are held in memory."""
    for writer, own in writers.items():
        for start in range(0, len(own), MOST_WORDS):
            yield writer, own[start : start + MOST_WORDS]


class Aligner:
    """Finds the letters of labelled words with a model's CTC head; counts in `left_out` why words are left out."""

    def __init__(self, config: Config, source: DataSource, left_out: Counter[str]) -> None:
        folder = ModelFolder(find_model(config))
        self._source, self.image, self.left_out = source, folder.spec.image, left_out
        self._spec = folder.spec
        if self._spec.tokenizer.is_rtl:
            raise UserError(f"The model in {folder.path} reads from right to left, which can't be recombined.")
        self._predictor = PredictorOnnx(*folder.onnx(), folder.spec)

    def letters(self, words: Sequence[Word]) -> list[Letters]:
        """Returns the words, of lines each word, with the places at which they can be cut."""
        labelled = ((word.label, pixels) for word in words if (pixels := self._read(word)) is not None)
        found: list[Letters] = []
        for label, pixels, middles, doubt in self._aligned(labelled):
            if doubt > MOST_DOUBT * (1 + label.count(" ")):
                self.left_out["the model doesn't find their letters"] += 1
                continue
            found += filter(None, itertools.starmap(cut_letters, split_line(label, pixels, middles)))
        return found

    def confirmed(self, labelled: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[str, np.ndarray]]:
        """Yields the labels and pictures that the model does not read otherwise, as where a cut was wrong."""
        return ((label, pixels) for label, pixels, _, doubt in self._aligned(labelled) if doubt <= MOST_DOUBT)

    def _aligned(
        self, labelled: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
        """Yields label, picture, the middles of its letters as parts of the ink's width, and the model's doubt.

        The doubt is by how much the label's log probability is below that of the model's own reading.
        """
        labelled = iter(labelled)
        while part := list(itertools.islice(labelled, BATCH)):
            seen = [to_network_geometry(pixels, self.image) for _, pixels in part]
            images, widths = pad_images(seen, self._spec.column_stride)
            probability = self._predictor.column_probabilities(images, widths)
            for (label, pixels), image, width, columns in zip(part, seen, widths, probability):
                columns = columns[: width // self._spec.column_stride]
                middles, total = align(columns, self._spec.tokenizer.encode(label))
                ink = np.flatnonzero((image.reshape(*image.shape[:2], -1) < INK).any(axis=(0, 2)))
                if len(ink):
                    places = (middles * self._spec.column_stride - ink[0]) / (ink[-1] + 1 - ink[0])
                    yield label, pixels, places, float(np.log(columns.max(axis=1)).sum()) - total

    def _read(self, word: Word) -> np.ndarray | None:
        """Returns the clean picture of a word, uint8 (h, w), if it can be cut."""
        if len(word.label) < 2:
            return None
        if unknown := set(word.label) - set(self._spec.tokenizer.charset):
            self.left_out[f"the model doesn't know {min(unknown)!r}"] += 1
            return None
        pixels = decode_inside(self._source.images, word.filename, self.image, self._source.follow_links)
        if isinstance(pixels, str):
            self.left_out[pixels] += 1
            return None
        # Without specks and paper around it, so that its ink is as wide as what the network sees.
        clean = normalise(pixels, self.image.normaliser)
        return clean if clean.ndim == 2 else np.asarray(Image.fromarray(clean).convert("L"))


def drawing(lexicon: Lexicon) -> Callable[[np.random.Generator, int], list[str]]:
    """Returns a function that draws words of the lexicon, frequent ones more often, though less than in texts."""
    words = [word for word in lexicon.words if len(word) > 2]
    weights = np.sqrt([lexicon.words[word] for word in words])
    shares = weights / weights.sum()

    def draw(rng: np.random.Generator, number: int) -> list[str]:
        chosen = rng.choice(len(words), number, p=shares)
        capitals = rng.random(number) < CAPITALISED
        return [words[index].capitalize() if capital else words[index] for index, capital in zip(chosen, capitals)]

    return draw


def new_words(
    letters: Sequence[Letters], wished: Sequence[str], rng: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields those of the wished words, and their pictures, that a beginning and an end of the letters make."""
    beginnings: dict[str, list[Letters]] = defaultdict(list)
    ends: dict[str, list[Letters]] = defaultdict(list)
    for one in letters:
        for cut in one.cuts:
            beginnings[one.label[:cut]].append(one)
            ends[one.label[cut:]].append(one)
    for word in wished:
        cuts = [cut for cut in range(1, len(word)) if word[:cut] in beginnings and word[cut:] in ends]
        if not cuts:
            continue
        cut = int(rng.choice(cuts))
        first, second = (pieces[rng.integers(len(pieces))] for pieces in (beginnings[word[:cut]], ends[word[cut:]]))
        if first is second or not first.fits(second):
            continue
        yield word, join_letters(first, cut, second, len(word) - cut)


if __name__ == "__main__":
    sys.exit(main())
