"""The tags that are read at all: every other element of a file is skipped unread.

Those of the first group can hold something personal. They are turned into keyed hashes, or matched against
fixed lists (:mod:`gyrus.imaging.dicom.words`), in the process that reads them, and never leave it as they
are.
"""

from __future__ import annotations

from pydicom.datadict import tag_for_keyword

PERSONAL = (
    "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesDescription", "ProtocolName", "SequenceName",
    "BodyPartExamined", "Modality", "ImageType",
)  # fmt: skip
TECHNICAL = (
    "SOPClassUID", "ScanningSequence", "RepetitionTime", "EchoTime", "InversionTime", "ContrastBolusAgent",
    "PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices",
    "ImageOrientationPatient", "ImagePositionPatient", "InstanceNumber", "BurnedInAnnotation",
    "NumberOfFrames", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
PIXELS = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "RescaleSlope", "RescaleIntercept",
    "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "PixelData", "FloatPixelData", "DoubleFloatPixelData",
)  # fmt: skip
PIXEL_ELEMENTS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    return tag


ALLOWED: tuple[int, ...] = tuple(_tag(keyword) for keyword in (*PERSONAL, *TECHNICAL, *PIXELS))
