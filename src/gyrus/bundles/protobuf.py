"""The wire format of protocol buffers: a sequence of (field number, wire type, value).

Stricter than the libraries, which skip what they do not expect: a field of another wire type than its
definition's would be unknown to them and known to us, and then the two would read different files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# Far above any network (a ResNet-152 has some 20,000), far below what would keep a reader busy for minutes.
MOST_FIELDS = 500_000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LARGEST_KEY = 2**32


@dataclass(slots=True)
class Steps:
    """How many fields have been read of one file, in all of its messages together."""

    taken: int = 0

    def __call__(self) -> None:
        """Count one, and refuse to go on without end."""
        self.taken += 1
        if self.taken > MOST_FIELDS:
            raise ValueError(f"it has more than {MOST_FIELDS} parts")


class Message:
    """One message: its fields in the order of the file, blocks as views without a copy.

    Parameters
    ----------
    block : memoryview
        Its bytes.
    steps : Steps
        Counts the fields that are read.

    Raises
    ------
    ValueError
        On iteration, when the bytes are no protocol buffer.
    """

    __slots__ = ("_steps", "block")

    def __init__(self, block: memoryview, steps: Steps) -> None:
        self.block = block
        self._steps = steps

    def __iter__(self) -> Iterator[tuple[int, Message | int | None]]:
        """Yield (field number, value): a message (or text, or packed numbers), a number, None for a float."""
        position, end = 0, len(self.block)
        while position < end:
            self._steps()
            key, position = _varint(self.block, position)
            number, wire = key >> 3, key & 7
            if not number or key >= _LARGEST_KEY:
                raise ValueError(f"it is no protocol buffer (field {number})")
            if wire == _VARINT:
                value, position = _varint(self.block, position)
                yield number, value
                continue
            if wire == _BYTES:
                size, position = _varint(self.block, position)
            elif wire in (_FIXED64, _FIXED32):
                size = 8 if wire == _FIXED64 else 4
            else:
                raise ValueError(f"it is no protocol buffer (wire type {wire})")
            if size > end - position:
                raise ValueError("it is cut off")
            block = self.block[position : position + size]
            yield number, Message(block, self._steps) if wire == _BYTES else None
            position += size

    def messages(self, wanted: int) -> Iterator[Message]:
        """Yield the values of one field, each a message."""
        for number, value in self:
            if number == wanted:
                yield as_message(value)

    def text(self, wanted: int) -> str:
        """Return a text field; empty where it is absent. Of several the last one counts."""
        found = ""
        for message in self.messages(wanted):
            found = bytes(message.block).decode("utf-8")
        return found

    def number(self, wanted: int) -> int | None:
        """Return a number field, None where it is absent. Of several the last one counts."""
        found = None
        for number, value in self:
            if number == wanted:
                found = as_number(value)
        return found


def as_message(value: Message | int | None) -> Message:
    """Return a field's value, which must be a message."""
    if not isinstance(value, Message):
        raise ValueError("a number stands where a block belongs")
    return value


def as_number(value: Message | int | None) -> int:
    """Return a field's value, which must be a whole number."""
    if not isinstance(value, int):
        raise ValueError("a block stands where a number belongs")
    return value


def _varint(block: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(block):
            raise ValueError("it is cut off")
        byte = block[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 2**64:
                break
            return value, position
    raise ValueError("it is no protocol buffer (number without end)")
