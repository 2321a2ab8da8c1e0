"""Makes new words from the letters of training words, after StackMix (Shonenkov et al. 2021, arXiv:2108.11667).

The beginning of one word and the end of another, of the same writer, are joined where they make a word of the lexicon:
real letters in words that the dataset lacks. A model with a CTC head is used to locate the letters, in lines, too, and
to leave out new words that it reads differently because a cut was wrong.

Example: python -m tools.recombine_words -c configs/iam.yml --words 24000 --output datasets/words/iam_recombined
"""

import argparse
import functools
import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from predictors.lexicon.words import Lexicon, read_lexicon
from preprocessing.labels import Word
from preprocessing.recombine import Letters, cut_letters, join_letters, split_line
from tools.aligner import Aligner
from tools.recombining import Labelled, recombine
from utils.cli import add_config_options, number, run_command
from utils.config.load import load_config
from utils.config.schema import Config
from utils.errors import UserError

CAPITALISED = 0.15  # share of the words
TRIES = 300  # words of the lexicon that are tried for each word wanted


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code (0 done, 2 user error)."""
    parser = argparse.ArgumentParser(description="Makes new words from the letters of training words.")
    add_config_options(parser, "configs/iam.yml")
    add = parser.add_argument
    add("--words", type=number(int, 1), required=True, help="how many, fewer if the writers' letters don't suffice")
    add("--output", type=Path, required=True, help="folder of the dataset: words/ and labels.json")
    options = parser.parse_args(arguments)
    return run_command(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    config = load_config(options.conf, options.set)
    return recombine(config, options.words, options.output, "words", functools.partial(prepare, config=config))


def prepare(words: Sequence[Word], aligner: Aligner, config: Config) -> Callable[[Sequence[Word], int], Labelled]:
    """Returns a function that makes words of the lexicon, which are not among `words`, of a writer's letters."""
    known = {part for word in words for part in word.label.split()}
    draw = drawing(read_lexicon(config.predict.lexicon.file, config.predict.lexicon.oov_penalty))
    rng = np.random.default_rng(config.seed)

    def candidates(own: Sequence[Word], wanted: int) -> Labelled:
        wished = [word for word in draw(rng, TRIES * wanted) if word not in known]
        return new_words(_letters(aligner, own), wished, rng)

    return candidates


def _letters(aligner: Aligner, words: Sequence[Word]) -> list[Letters]:
    """Returns the words, each word of a line separately, with the places at which they can be cut."""
    parts = itertools.chain.from_iterable(itertools.starmap(split_line, aligner.places(words)))
    return [letters for part in parts if (letters := cut_letters(*part))]


def drawing(lexicon: Lexicon) -> Callable[[np.random.Generator, int], list[str]]:
    """Returns a function that draws words of the lexicon, frequent ones more often, though less than in texts.

    Raises UserError if all of them are too short.
    """
    words = [word for word in lexicon.words if len(word) > 2]
    if not words:
        raise UserError("predict.lexicon.file has no word of three letters or more; name another list of words.")
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
    """Yields those `wished` words, and their pictures, that can be joined from the beginning and end of two others."""
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
