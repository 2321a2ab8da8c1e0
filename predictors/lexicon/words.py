"""How probable a text is as a word of a language: a list of words, and what is said of all others."""

import bisect
import itertools
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from preprocessing.tokenizer import normalize_label
from utils.errors import UserError
from utils.files import open_regular
from utils.paths import WORDS_FILE

# Log probabilities of what no list of words holds, chosen on the validation words of IAM (Aachen split).
MARK = -5.0  # a punctuation mark that stands alone
NEXT_MARK = -2.0  # each further one
NUMBER = -8.0  # digits, whichever, with their marks
INITIAL = -9.0  # one capital letter
ATTACHED = -2.0  # punctuation before or behind a word
POSSESSIVE = -4.0  # 's behind a word that is listed without it
BROKEN = -4.0  # the beginning of a word with a hyphen, at the end of a line
COMPOUND = 8.0  # each hyphen: its two parts meet more often than by chance
MIXED_CASE = -8.0  # capitals in the middle of a word
OTHER_CHARACTER = -2.0  # each character of a word that is not listed

WITH_FREQUENCY = re.compile(r"[^\W\d]+[,;]\d+")  # as Excel would save the two columns


class Lexicon:
    """Words with frequencies, without regard to case, and a way through for all other texts.

    Args:
        words: word -> how often it occurs, in any unit; forms that differ in case are added up.
        oov_penalty: minus the log probability of all words that are not listed together.
    """

    def __init__(self, words: Mapping[str, float], oov_penalty: float) -> None:
        total = sum(words.values())
        folded: dict[str, float] = {}
        for word, frequency in words.items():
            key = normalize_label(word).lower()
            folded[key] = folded.get(key, 0.0) + frequency / total
        # A share too small for a float has no logarithm.
        self.words = {word: share for word, share in folded.items() if share}
        self.oov_penalty = oov_penalty
        self._sorted = sorted(self.words)
        self._cumulated = [0.0, *itertools.accumulate(self.words[word] for word in self._sorted)]

    def reordered(self, order: Callable[[str], str]) -> "Lexicon":
        """Returns the lexicon of the words with their characters in another order."""
        return Lexicon({order(word): share for word, share in self.words.items()}, self.oov_penalty)

    def log_probability(self, text: str) -> float:
        """Returns the log probability of `text`, up to a constant: of a line the sum of those of its words."""
        return sum(map(self.log_probability_of_word, normalize_label(text).split(" ")))

    def log_probability_of_word(self, text: str) -> float:
        """Returns the natural logarithm of the probability of a text without blanks, up to a constant.

        Words count in lower case, Capitalised and UPPER CASE alike: which one it is, the image knows better. Numbers
        and single punctuation marks are as probable as common words; words with attached punctuation, possessives,
        hyphenated compounds and words broken by a hyphen get what their parts have; all others a floor that falls with
        their length.
        """
        core = text.strip("".join(filter(is_mark, set(text))))
        if not core:
            return MARK + NEXT_MARK * max(0, len(text) - 1)
        attached = 0.0 if core == text else ATTACHED
        choices = [self.unlisted(len(text)), self._word(core) + attached]
        if text.lower() in self.words:
            choices.append(math.log(self.words[text.lower()]))
        if text.endswith("-") and core.isalpha():
            choices.append(self._beginning(core.lower()) + BROKEN)
        return max(choices) + (0.0 if _usual_case(core) else MIXED_CASE)

    def unlisted(self, length: int) -> float:
        """Returns the log probability of a word of `length` characters that is not listed; listed ones have no less."""
        return OTHER_CHARACTER * length - self.oov_penalty

    def _word(self, core: str) -> float:
        """Returns a text without punctuation around it."""
        if core.lower() in self.words:
            return math.log(self.words[core.lower()])
        if not any(map(str.isalpha, core)):
            return NUMBER
        if len(core) == 1 and core.isupper():
            return INITIAL
        if core.lower().endswith("'s"):
            return self._word(core[:-2]) + POSSESSIVE
        if "-" in core:
            return self._compound(core.split("-"))
        return self.unlisted(len(core))

    def _compound(self, parts: list[str]) -> float:
        """Words joined by hyphens: together rarer than the rarest of them alone."""
        known = [self._word(part) if part else -math.inf for part in parts]
        return min(sum(known) + COMPOUND * (len(parts) - 1), min(known) + ATTACHED)

    def _beginning(self, prefix: str) -> float:
        """Returns the log probability of all words that begin with `prefix`."""
        first = bisect.bisect_left(self._sorted, prefix)
        last = bisect.bisect_left(self._sorted, prefix + "\U0010ffff")
        mass = self._cumulated[last] - self._cumulated[first]
        return math.log(mass) if mass > 0 else -math.inf


def read_lexicon(path: str | Path | None, oov_penalty: float) -> Lexicon:
    """Reads a list of words, one a line: `word`, or `word<TAB>frequency`; None: the bundled English one.

    Raises UserError if the file can't be read, holds no words, a word has a blank, or frequencies or their sum are no
    positive numbers.
    """
    path = Path(path or WORDS_FILE)
    try:
        with open_regular(path) as file:
            lines = file.read().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"predict.lexicon.file {path} can't be read: {error.strerror}; name a list of words.") from None
    except UnicodeDecodeError:
        raise UserError(f"predict.lexicon.file {path} is not UTF-8 text; save it as UTF-8.") from None
    words: dict[str, float] = {}
    for number, line in enumerate(lines, start=1):
        word, _, frequency = (field.strip() for field in line.partition("\t"))
        if " " in word or WITH_FREQUENCY.fullmatch(word):
            what = "a blank" if " " in word else "a frequency behind a mark"
            raise UserError(
                f"{path}, line {number}: {word!r} has {what}; give one word a line, and its frequency after a tab."
            )
        if word:
            words[word] = words.get(word, 0.0) + _frequency(frequency, f"{path}, line {number}")
    if not words:
        raise UserError(f"predict.lexicon.file {path} holds no words; give one a line.")
    if math.isinf(sum(words.values())):
        raise UserError(
            f"predict.lexicon.file {path}: the sum of the frequencies is too large; divide all by a number."
        )
    return Lexicon(words, oov_penalty)


def is_mark(char: str) -> bool:
    """Whether a character is punctuation or a symbol."""
    return unicodedata.category(char)[0] in "PS"


def _frequency(text: str, where: str) -> float:
    try:
        value = float(text or 1)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UserError(f"{where}: frequency {text!r} must be a number above 0; correct it or leave it out.")
    return value


def _usual_case(core: str) -> bool:
    """Whether each part is lower case, UPPER CASE or Capitalised; McDonald is usual, too."""
    for part in "".join(char if char.isalnum() else " " for char in core).split():
        name = part.removeprefix("Mac").removeprefix("Mc")
        if part not in (part.lower(), part.upper(), part.capitalize()) and name != name.capitalize():
            return False
    return True
