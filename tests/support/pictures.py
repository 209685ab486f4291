# SPDX-License-Identifier: Apache-2.0
"""Compares screenshots with stored ones."""

import io
from pathlib import Path

from PIL import Image, ImageChops

#: Difference of a colour channel (0 to 255) that counts as rounding in the renderer.
CHANNEL_TOLERANCE = 24
#: Share of pixels that may differ by more.
PIXEL_TOLERANCE = 0.002


def differing_share(one: Image.Image, other: Image.Image) -> float:
    """Share of pixels whose colours differ by more than the tolerance; 1.0 for other sizes."""
    if one.size != other.size:
        return 1.0
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    red, green, blue = difference.split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    histogram = largest.histogram()
    return sum(histogram[CHANNEL_TOLERANCE + 1 :]) / (one.size[0] * one.size[1])


def compare(taken: bytes, stored: Path, report: Path, *, update: bool) -> None:
    """Assert that the picture ``taken`` (PNG) is the stored one, or store it where it is not.

    On a difference ``report`` gets the taken picture and one that shows where it differs.
    """
    if update and not stored.is_file():
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_bytes(taken)
        return
    assert stored.is_file(), f"there is no stored screenshot {stored}; see tests/README.md"
    new, old = (Image.open(io.BytesIO(data)) for data in (taken, stored.read_bytes()))
    share = differing_share(new, old)
    if update and share > PIXEL_TOLERANCE:
        stored.write_bytes(taken)
        return
    if share > PIXEL_TOLERANCE:
        report.mkdir(parents=True, exist_ok=True)
        (report / stored.name).write_bytes(taken)
        if new.size == old.size:
            ImageChops.difference(new.convert("RGB"), old.convert("RGB")).save(
                report / f"difference-{stored.name}"
            )
    assert share <= PIXEL_TOLERANCE, (
        f"{share:.2%} of the pixels differ from {stored.name} (sizes {new.size} and {old.size});"
        f" the new picture is in {report}"
    )
