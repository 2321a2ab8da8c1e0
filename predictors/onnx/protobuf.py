"""Reads the wire format of Protocol Buffers strictly: unexpected fields are refused, not skipped.

https://protobuf.dev/programming-guides/encoding; nothing is copied, and no claimed length is allocated.
"""

from collections.abc import Iterator, Mapping

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Value = int | memoryview
# Number of a field -> its name and the wire types that it may have.
Fields = Mapping[int, tuple[str, tuple[int, ...]]]


def read_message(data: memoryview, fields: Fields, kind: str) -> dict[str, list[Value]]:
    """Returns the values of each of `fields`, [] for missing ones; `kind` names the message in errors.

    Raises ValueError if it is cut short, or has a field that `fields` does not name, or of another wire type.
    """
    values: dict[str, list[Value]] = {name: [] for name, _ in fields.values()}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        name, wires = fields.get(tag >> 3, ("", ()))
        if tag & 7 not in wires:
            raise ValueError(f"{kind} has an unexpected field ({tag >> 3}, type {tag & 7})")
        value, position = _value(data, position, tag & 7)
        values[name].append(value)
    return values


def integers(values: list[Value]) -> list[int]:
    """Returns a repeated field of int64: one by one, or packed."""
    return [
        number - 2**64 if number >= 2**63 else number
        for value in values
        for number in ([value] if isinstance(value, int) else _packed(value))
    ]


def texts(values: list[Value]) -> list[str]:
    """Returns a repeated field of strings; raises ValueError if one is not UTF-8."""
    return [bytes(value).decode() for value in values if not isinstance(value, int)]


def _packed(data: memoryview) -> Iterator[int]:
    position = 0
    while position < len(data):
        number, position = _varint(data, position)
        yield number


def _value(data: memoryview, position: int, wire: int) -> tuple[Value, int]:
    if wire == VARINT:
        return _varint(data, position)
    size = {FIXED64: 8, FIXED32: 4}.get(wire)
    if size is None:
        size, position = _varint(data, position)
    if size > len(data) - position:
        raise ValueError("it is cut short")
    return data[position : position + size], position + size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Returns a number of up to 64 bits, seven in each byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise ValueError("it is cut short")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >= 2**64:
                break
            return value, position
    raise ValueError("a number is too long")
