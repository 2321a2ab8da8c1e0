"""Config section `image`: from an image file to the network's input."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from utils.config.section import Natural, PositiveInt, Real, Section, Size, key, refuse

# Of one network input: 50 times what the largest words need.
MOST_PIXELS = 2**24


class ImageSizeConfig(Section):
    y_size: Size = key(36, "height of every image, in pixels")
    x_size: Size = key(288, "largest width, in pixels; wider words are shrunk to it")
    num_channels: Literal[1, 3] = key(1, "1 (grey) or 3 (colour, which image.normaliser and scale auto turn to grey)")

    @model_validator(mode="after")
    def _fits_memory(self) -> "ImageSizeConfig":
        if self.y_size * self.x_size > MOST_PIXELS:
            refuse([f"y_size {self.y_size} times x_size {self.x_size} is more than {MOST_PIXELS}: lower one"])
        return self


class NormaliserConfig(Section):
    """Steps on a picture, which becomes grey, before it is scaled (`preprocessing/normaliser.py`)."""

    channel: bool = key(True, "of a colour picture take the channel in which ink stands out")
    polarity: bool = key(True, "invert light ink on dark paper")
    paper: bool = key(True, "divide by the paper's brightness, so that shadows and falling light go")
    rulings: bool = key(True, "remove rulings, squares and frames")
    specks: bool = key(True, "remove spots far smaller than the writing")
    trim: bool = key(True, "cut off the paper around the ink")
    upright: bool = key(True, "turn tall pictures by 90 degrees if strokes follow each other downwards")
    straighten: bool = key(True, "turn writing that rises or falls by 3 to 12 degrees level")


class ImageConfig(Section):
    """How an image file becomes the network's input; a model keeps these settings."""

    image_size: ImageSizeConfig = ImageSizeConfig()
    convert_to_grayscale: bool = key(False, "read colour files as grey although num_channels is 3")
    normaliser: NormaliserConfig = NormaliserConfig()
    scale: Annotated[Real, Field(gt=0)] | Literal["fit", "auto"] = key(
        "auto",
        "factor from file pixels to network pixels (0.3 to 0.4 for 300 dpi); fit: full height; auto: brings writing to "
        "one size, a fifth larger than y_size / 120 makes that of 300 dpi, and widens narrow hands; y_size / 120 where "
        "the size can't be measured",
    )
    binarization: Literal["none", "otsu", "soft"] = key(
        "otsu",
        "otsu: black ink on white paper before scaling, so that grey and binarised scans look alike; "
        "soft: the same, but thin and pale strokes stay grey; none: grey",
    )
    fixed_width: bool = key(False, "pad every image to x_size instead of to its own width")
    normalization: Literal["ink", "standard"] = key("ink", "ink: paper 0, ink 1; standard: mean 0, variance 1 by image")
    margin: Natural = key(4, "paper added at both ends of a word, in pixels; not in training if data_aug moves the ink")
    blur: Annotated[Real, Field(ge=0, le=100)] = key(
        0.5, "standard deviation of a Gaussian blur, in pixels; not in training if data_aug moves the ink or blurs"
    )
    max_pixels: PositiveInt = key(50_000_000, "files with more pixels are refused before decoding")

    @model_validator(mode="after")
    def _word_has_room(self) -> "ImageConfig":
        if 2 * self.margin >= self.image_size.x_size:
            refuse([f"margin {self.margin} at both ends leaves nothing of x_size {self.image_size.x_size}"])
        return self

    def geometry(self) -> dict[str, Any]:
        """Returns the settings that the network depends on, as JSON values."""
        return self.model_dump(mode="json", exclude={"max_pixels"})
