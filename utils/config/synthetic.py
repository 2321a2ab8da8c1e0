"""Config section `synthetic`: the embedded dataset."""

from typing import Annotated, Literal

from pydantic import Field

from utils.config.section import Natural, Section, Share, key

Text = Literal["english", "accented"]
MOST_WORDS = 100  # of an image
# In a folder of rendered words: their settings, written first; a folder that has it may be rendered again.
RENDERED_WITH = "synthetic.json"
DRAWN_BY = ("seed", "text", "beyond_dictionary", "most_words")  # keys on which each word depends


class SyntheticConfig(Section):
    """Words or lines rendered from the bundled fonts where labels_file is missing."""

    enabled: bool = key(False, "create images_folder and labels_file on first use")
    num_words: Annotated[int, Field(ge=10)] = key(20_000, "training words; val and test get a tenth each")
    beyond_dictionary: Share = key(0.17, "share of labels in no dictionary, so that the model learns to read them, too")
    text: Text = key("english", "English words; accented: French, German and Spanish ones")
    most_words: Annotated[int, Field(ge=1, le=MOST_WORDS)] = key(
        1, "words of an image, 1 to so many parted by spaces: 1 for words, 10 for lines"
    )
    seed: Natural = key(1, "seed of texts, fonts and distortions")
