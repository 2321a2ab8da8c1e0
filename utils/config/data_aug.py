"""Config section `data_aug`: random distortion of training images."""

from typing import Annotated

from pydantic import Field, model_validator

from utils.config.section import Fraction, Natural, Real, Section, Share, key, refuse

Range = Annotated[list[Real], Field(min_length=2, max_length=2)]

# What `share_on_lines` scales, beside zoom_range.
SCALED = (
    *("rotation_range", "width_shift_range", "height_shift_range", "shear_range", "elastic_range"),
    *("thickness_range", "broken_strokes"),
)


class DataAugConfig(Section):
    """Random distortion of training images, drawn again in every epoch."""

    use_data_aug: bool = key(True, "distort training images")
    rotation_range: Real = key(2.0, "largest rotation, degrees either way", ge=0, le=180)
    width_shift_range: Real = key(0.0, "largest shift to either side, as a part of the width", ge=0, le=1)
    height_shift_range: Real = key(0.05, "largest shift up or down, as a part of the height", ge=0, le=1)
    zoom_range: Range = key([0.9, 1.1], "[smallest, largest] scale, drawn for each axis")
    horizontal_flip: bool = key(False, "mirror half of the images left to right")
    vertical_flip: bool = key(False, "mirror half of the images upside down")
    shear_range: Real = key(12.0, "largest slant, degrees either way", ge=0, lt=80)
    elastic_range: Real = key(1.5, "largest displacement of a control point, in pixels", ge=0, le=1000)
    elastic_grid: Annotated[Real, Field(ge=4, le=1000)] = key(16.0, "distance between the control points, in pixels")
    thickness_range: Real = key(0.6, "largest growth or loss of stroke width, in pixels", ge=0, le=100)
    broken_strokes: Fraction = key(0.0, "largest share of the ink lost in gaps, as by thresholds; in half the images")
    occlusion: Share = key(0.0, "largest side of a paper patch on half the images, as a part of the height")
    contrast_range: Range = key([1.0, 1.0], "[smallest, largest] factor on the darkness of the ink")
    noise_range: Real = key(0.0, "largest standard deviation of pixel noise, in grey levels", ge=0, le=255)
    blur_range: Real = key(0.0, "largest standard deviation of Gaussian blur, in pixels", ge=0, le=100)
    binarize_probability: Share = key(0.0, "share of the images turned to pure black and white")
    damaged_copies: Natural = key(
        0,
        "copies of each training image that are damaged as by cameras and paper before they become network input; "
        "each epoch has as many damaged words as plain ones: with 1 copy every word once plain and once damaged, with "
        "more a random part of all copies; with `train.words_per_epoch` both kinds are drawn separately, and an epoch "
        "has twice that number",
    )
    share_on_lines: Real = key(
        1.0,
        "how much of all this lines (texts with a space) get: factor on the ranges of geometry and strokes",
        gt=0,
        le=1,
    )
    wrong_characters: Share = key(0.0, "share of the decoder's input characters that are replaced by random ones")

    @property
    def copies(self) -> int:
        """Damaged copies of each image that a training makes."""
        return self.damaged_copies if self.use_data_aug else 0

    @property
    def moves_ink(self) -> bool:
        """Whether any geometric kind is on."""
        ranges = (self.rotation_range, self.shear_range, self.elastic_range)
        shifts = (self.width_shift_range, self.height_shift_range)
        return any(ranges + shifts) or self.horizontal_flip or self.vertical_flip or self.zoom_range != [1, 1]

    def on_lines(self) -> "DataAugConfig":
        """Returns the distortions of lines."""
        share = self.share_on_lines
        if share == 1:
            return self
        low, high = self.zoom_range
        scaled = {name: share * getattr(self, name) for name in SCALED}
        return self.model_copy(update={**scaled, "zoom_range": [1 + share * (low - 1), 1 + share * (high - 1)]})

    @model_validator(mode="after")
    def _ranges_ascend(self) -> "DataAugConfig":
        ranges = {"zoom_range": self.zoom_range, "contrast_range": self.contrast_range}
        wrong = {name: limits for name, limits in ranges.items() if not 0.01 <= limits[0] <= limits[1] <= 100}
        refuse([f"{name} is {limits}; it needs 0.01 <= smallest <= largest <= 100" for name, limits in wrong.items()])
        return self
