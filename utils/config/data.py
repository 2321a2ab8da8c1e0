"""Config sections about data: images, the embedded dataset, augmentation; and what sections share."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _yaml_float(value: Any) -> Any:
    """YAML 1.1 reads `1e-3` as a string; it is a number to everyone who writes it."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Real = Annotated[float, BeforeValidator(_yaml_float)]
Share = Annotated[Real, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]
# Wide enough for any network that fits into memory; larger products overflow within TensorFlow.
Size = Annotated[int, Field(ge=1, le=65_536)]

# Of an image on its way into the network: 50 times what the largest words need.
MOST_PIXELS = 2**24


class Section(BaseModel):
    """Settings of one part; unknown keys and wrong types are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def key(default: Any, description: str, **limits: Any) -> Any:
    """A config key with its default and the sentence that documents it."""
    return Field(default, description=description, **limits)


class ImageSizeConfig(Section):
    y_size: Size = key(128, "height of every image, in pixels")
    x_size: Size = key(384, "largest width, in pixels; wider words are shrunk to it")
    num_channels: Literal[1, 3] = key(1, "1 (grey) or 3 (colour)")

    @model_validator(mode="after")
    def _fits_memory(self) -> "ImageSizeConfig":
        if self.y_size * self.x_size > MOST_PIXELS:
            raise ValueError(
                f"y_size {self.y_size} times x_size {self.x_size} is more than {MOST_PIXELS}: lower one"
            )
        return self


class ImageConfig(Section):
    image_size: ImageSizeConfig = ImageSizeConfig()
    convert_to_grayscale: bool = key(False, "read colour files as grey although num_channels is 3")
    scale: Annotated[Real, Field(gt=0)] | Literal["fit"] = key(
        "fit",
        "factor from file pixels to network pixels (0.3 to 0.4 for 300 dpi), or `fit`: full height",
    )
    binarization: Literal["none", "otsu"] = key(
        "none", "otsu: black ink on white paper before scaling, so grey and binarised scans look alike"
    )
    fixed_width: bool = key(True, "pad every image to x_size instead of to its own width")
    normalization: Literal["ink", "standard"] = key(
        "standard", "standard: mean 0, variance 1 per image; ink: paper 0, black 1"
    )
    margin: int = key(
        0, "paper at both ends of a word, in pixels; not of training words that distortion gives it", ge=0
    )
    blur: Real = key(
        0.0, "standard deviation of a Gaussian blur, in pixels; likewise not before distortion", ge=0, le=100
    )
    max_pixels: PositiveInt = key(50_000_000, "files with more pixels are refused before decoding")

    @model_validator(mode="after")
    def _word_has_room(self) -> "ImageConfig":
        if 2 * self.margin >= self.image_size.x_size:
            raise ValueError(
                f"margin {self.margin} at both ends leaves nothing of x_size {self.image_size.x_size}"
            )
        return self

    def geometry(self) -> dict[str, Any]:
        """What makes an image what the network sees, as JSON values: all but which files are refused."""
        return self.model_dump(mode="json", exclude={"max_pixels"})


class SyntheticConfig(Section):
    """The embedded dataset: words rendered from the bundled fonts when labels_file is missing."""

    enabled: bool = key(False, "make images_folder and labels_file on first use")
    num_words: Annotated[int, Field(ge=10)] = key(20_000, "training words; val and test get a tenth each")
    beyond_dictionary: Share = key(
        0.17, "share of labels that are no words, so that the model learns to read"
    )
    text: Literal["english", "accented"] = key(
        "english", "what is written; accented: French, German and Spanish words with accents"
    )
    seed: int = key(1, "seed of texts, fonts and distortions", ge=0)


class DataAugConfig(Section):
    use_data_aug: bool = key(False, "distort training images")
    rotation_range: Real = key(0.0, "largest rotation, degrees either way", ge=0, le=180)
    width_shift_range: Real = key(0.0, "largest shift to either side, as a part of the width", ge=0, le=1)
    height_shift_range: Real = key(0.0, "largest shift up or down, as a part of the height", ge=0, le=1)
    zoom_range: Annotated[list[Real], Field(min_length=2, max_length=2)] = key(
        [1.0, 1.0], "[smallest, largest] scale, drawn for each axis"
    )
    horizontal_flip: bool = key(False, "mirror half of the images left to right")
    vertical_flip: bool = key(False, "mirror half of the images upside down")
    shear_range: Real = key(0.0, "largest slant, degrees either way", ge=0, lt=80)
    elastic_range: Real = key(0.0, "largest displacement of a control point, in pixels", ge=0, le=1000)
    elastic_grid: Annotated[Real, Field(ge=4)] = key(16.0, "distance between the control points, in pixels")
    thickness_range: Real = key(0.0, "largest growth or loss of stroke width, in pixels", ge=0, le=100)
    broken_strokes: Annotated[Real, Field(ge=0, lt=1)] = key(
        0.0,
        "largest share of the ink lost in gaps, as after a threshold that was too high; in half the images",
    )
    occlusion: Real = key(
        0.0, "largest side of a patch of paper laid over half the images, as a part of the height", ge=0, le=1
    )
    contrast_range: Annotated[list[Real], Field(min_length=2, max_length=2)] = key(
        [1.0, 1.0], "[smallest, largest] factor on the darkness of the ink"
    )
    noise_range: Real = key(0.0, "largest standard deviation of pixel noise, in grey levels", ge=0, le=255)
    blur_range: Real = key(0.0, "largest standard deviation of Gaussian blur, in pixels", ge=0, le=100)
    binarize_probability: Share = key(0.0, "share of the images turned to pure black and white")
    wrong_characters: Share = key(
        0.0, "share of the characters before the next one that teacher forcing tells wrongly"
    )

    @property
    def moves_ink(self) -> bool:
        """Whether any geometric kind is on."""
        ranges = (self.rotation_range, self.shear_range, self.elastic_range)
        shifts = (self.width_shift_range, self.height_shift_range)
        return any(ranges + shifts) or self.horizontal_flip or self.vertical_flip or self.zoom_range != [1, 1]

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "DataAugConfig":
        for name in ("zoom_range", "contrast_range"):
            low, high = getattr(self, name)
            if not 0.01 <= low <= high <= 100:
                raise ValueError(f"{name} is [{low}, {high}]; it needs 0.01 <= smallest <= largest <= 100")
        return self
