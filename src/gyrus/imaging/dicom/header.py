"""One parsed DICOM header, asked in terms that do not raise: what is absent or nonsense is None."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gyrus.errors import ImageError
from gyrus.imaging.dicom.inflating import inflated
from gyrus.imaging.dicom.tags import ALLOWED, PIXEL_ELEMENTS
from gyrus.imaging.kinds import second_life
from gyrus.imaging.limits import Limits

_MOST_FRAMES = 100_000
_DICOMDIR = "1.2.840.10008.1.3.10"
_COPY_AGAIN = "copy the file again"


class Header:
    """The allowed elements of a DICOM file.

    Raises
    ------
    ImageError
        When the file is none of an image, is damaged, outside the limits, or pretends to be another thing.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        other = second_life(data)
        if other:
            raise ImageError(
                f"is a DICOM file that begins like {other} and can be taken for one",
                fix="do not open it; ask where it comes from",
            )
        self.dataset = dcmread(BytesIO(inflated(data, limits)), force=True, specific_tags=list(ALLOWED))
        self.syntax = self._syntax()
        self._check_image()
        self.rows, self.columns = self._whole("Rows"), self._whole("Columns")
        limits.check_pixels(self.columns, self.rows, "")
        self.frames = self._frames()

    def number(self, keyword: str, frame: int = 0) -> float | None:
        """Return the first number of an element of a frame; None where there is none."""
        found = self.numbers(keyword, frame)
        return found[0] if found else None

    def numbers(self, keyword: str, frame: int = 0) -> tuple[float, ...]:
        """Return the finite numbers of an element of a frame; none where one of them is no number."""
        value = self.value(keyword, frame)
        values = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
        try:
            found = tuple(float(one) for one in values if one is not None and one != "")
        except (TypeError, ValueError):
            return ()
        return found if all(map(math.isfinite, found)) else ()

    def text(self, keyword: str, frame: int = 0) -> str:
        """Return the text of an element; several values are joined by spaces."""
        value = self.value(keyword, frame)
        if value is None:
            return ""
        return (
            value
            if isinstance(value, str)
            else " ".join(map(str, value))
            if hasattr(value, "append")
            else str(value)
        )

    def value(self, keyword: str, frame: int = 0) -> Any:
        """Return what an element holds: at the top, or in the functional groups of a frame."""
        if keyword in self.dataset:
            return getattr(self.dataset, keyword)
        for group in self._groups(frame):
            for element in group:
                if element.VR == "SQ" and len(element.value) == 1 and keyword in element.value[0]:
                    return getattr(element.value[0], keyword)
        return None

    def stated(self, keyword: str, frame: int = 0) -> bool:
        """Tell whether an element is there and not empty, whatever it holds."""
        value = self.value(keyword, frame)
        return value is not None and value != ""

    def _groups(self, frame: int) -> list[Dataset]:
        each = self.dataset.get("PerFrameFunctionalGroupsSequence") or []
        shared = self.dataset.get("SharedFunctionalGroupsSequence") or []
        return [*([each[frame]] if frame < len(each) else []), *list(shared)[:1]]

    def _syntax(self) -> UID:
        meta = getattr(self.dataset, "file_meta", None)
        stated = meta.get("TransferSyntaxUID") if meta is not None else None
        if stated:
            return UID(str(stated))
        implicit, little = self.dataset.original_encoding
        if little is False:
            raise ImageError(
                "states no transfer syntax, and its bytes are not in the common order", fix=_COPY_AGAIN
            )
        return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian

    def _check_image(self) -> None:
        if any(keyword in self.dataset for keyword in PIXEL_ELEMENTS):
            return
        if len(self.dataset) == 0:
            raise ImageError(
                "holds no DICOM element that is known: damaged or no DICOM file", fix=_COPY_AGAIN
            )
        meta = getattr(self.dataset, "file_meta", None)
        kind = str(
            self.dataset.get("SOPClassUID") or (meta.get("MediaStorageSOPClassUID", "") if meta else "")
        )
        if kind == _DICOMDIR:
            raise ImageError("is a DICOMDIR: a list of files, no image", fix="name the files or their folder")
        named = UID(kind).name  # of an unknown one, itself
        what = f" ({named})" if named and named != kind else ""
        raise ImageError(
            f"is a DICOM file without PixelData{what}",
            fix="leave it out: it holds no image, or its end is missing",
        )

    def _whole(self, keyword: str) -> int:
        found = self.number(keyword)
        if found is None or found != int(found) or not 0 < found < 65536:
            raise ImageError(f"is a DICOM file whose {keyword} is no size of an image", fix=_COPY_AGAIN)
        return int(found)

    def _frames(self) -> int:
        if not self.stated("NumberOfFrames"):
            return 1
        found = self.number("NumberOfFrames")
        if found is None or found != int(found) or not 0 < found <= _MOST_FRAMES:
            raise ImageError(
                f"is a DICOM file whose NumberOfFrames is not 1 to {_MOST_FRAMES:,}", fix=_COPY_AGAIN
            )
        return int(found)
