"""What decodes which compression, and what to install where nothing here does."""

from __future__ import annotations

from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import UID

from gyrus.errors import ImageError, PassingError

_READERS = "pip install 'gyrus[readers]'"
_GDCM = "pip install python-gdcm, which gyrus then uses; or have it exported uncompressed"
_FIXES = {
    **{f"1.2.840.10008.1.2.4.{end}": ("pylibjpeg-openjpeg", _READERS) for end in (90, 91, 201, 202, 203)},
    **{f"1.2.840.10008.1.2.4.{end}": ("pyjpegls", _READERS) for end in (80, 81)},
    **{f"1.2.840.10008.1.2.4.{end}": ("python-gdcm", _GDCM) for end in (51, 57, 70)},
}
_EXPORT = "have it exported uncompressed (Explicit VR Little Endian)"


def decoder_of(syntax: UID) -> Decoder:
    """Return the decoder of a transfer syntax.

    Raises
    ------
    ImageError
        When there is none; names the syntax, and the plug-in that would read it.
    """
    known = bool(syntax.name) and syntax.name != str(syntax) and syntax.is_transfer_syntax
    name = syntax.name if known else "a transfer syntax that is not known"
    plugin, fix = _FIXES.get(str(syntax), ("", _EXPORT))
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise ImageError(f"is a DICOM file compressed as {name}, which is not read", fix=fix) from error
    if not decoder.is_available:
        needs = f"; it needs {plugin}" if plugin else ""
        raise PassingError(
            f"is a DICOM file compressed as {name}, which nothing installed decodes{needs}", fix=fix
        )
    return decoder
