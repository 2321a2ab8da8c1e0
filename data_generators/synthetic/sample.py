"""One rendered word or line."""

import numpy as np

from data_generators.synthetic.accents import draw_accented
from data_generators.synthetic.fonts import SPLITS, font_of_form
from data_generators.synthetic.render import render_word
from data_generators.synthetic.texts import append_text, draw_text
from utils.config.synthetic import SyntheticConfig

LONGEST = 100  # characters of a line
WORDS_PER_FORM = 24  # A form has one font; forms are small, so that even a hundred words show several fonts.


def sample(settings: SyntheticConfig, split: str, index: int) -> tuple[np.ndarray, str, str]:
    """Renders label `index` (0, 1, ...) of a split ("train", "val" or "test"), a pure function of the arguments.

    With `settings.most_words` a label has 1 to so many words, parted by spaces (but not from the marks behind them), of
    LONGEST characters at most. Returns image (uint8, height x width, ink dark on paper near 255), label, writer (the
    font's id).
    """
    accented = settings.text == "accented"
    font = font_of_form(settings.seed, split, index // WORDS_PER_FORM, accented)
    rng = np.random.default_rng([settings.seed, SPLITS.index(split), index])
    draw = draw_accented if accented else draw_text
    # Single words keep the random numbers that they always had.
    number = int(rng.integers(1, settings.most_words + 1)) if settings.most_words > 1 else 1
    label = draw(rng, font.charset, settings.beyond_dictionary)
    for _ in range(number - 1):
        longer = append_text(label, draw(rng, font.charset, settings.beyond_dictionary))
        label = longer if len(longer) <= LONGEST else label
    return render_word(label, font, rng), label, font.writer
