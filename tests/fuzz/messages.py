"""Requests built from the contract's own descriptors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_KINDS: Final = FieldDescriptor
_INT32: Final = (_KINDS.CPPTYPE_INT32, _KINDS.CPPTYPE_ENUM)
_UNSIGNED: Final = {_KINDS.CPPTYPE_UINT32: 32, _KINDS.CPPTYPE_UINT64: 64}
_COMMON: Final = (0, 1, 2, 3, 16, 32, 64, 100, 128, 256, 1000, 1001, 10**6, 10**7, 10**9)
_EXACT: Final = (0.0, -0.0, 0.5, 1.0, 0.999999999999, 5e-324, 1e-40, 1e30, 1.8e308, -1.0, 99.5)
_LONG: Final = 10_000

TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=40)


@dataclass(frozen=True)
class Words:
    """Strings that a server knows.

    Attributes:
        by_field: What a field of a name usually holds.
        others: Anything else: paths, addresses, tokens.
    """

    by_field: Mapping[str, Sequence[str]]
    others: Sequence[str]


@dataclass(frozen=True)
class Request:
    """A serialised request; its length is all that is shown of it."""

    content: bytes

    def __repr__(self) -> str:
        return f"<{len(self.content)} bytes>"


def requests(
    descriptor: Descriptor, words: Words, templates: Sequence[Message] = ()
) -> st.SearchStrategy[Request]:
    """Serialised requests: of fields at random, near a sensible one, damaged, or mere bytes."""
    built = messages(descriptor, words)
    near = st.one_of([_near(template, words) for template in templates]) if templates else built
    valid = _weighted((1, built), (3, near)).map(lambda message: message.SerializeToString())
    sent = _weighted((6, valid), (1, st.binary(max_size=64)), (1, _damaged(valid)))
    return sent.map(Request)


def _weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, each as often as its weight says; `one_of` drops repetitions."""
    places = [place for place, (weight, _) in enumerate(choices) for _ in range(weight)]
    return st.sampled_from(places).flatmap(lambda place: choices[place][1])


def huge_requests(descriptor: Descriptor, size: int) -> Iterator[tuple[str, bytes]]:
    """Requests of up to so many bytes in one field, each with the path of that field."""
    for place in _places(descriptor):
        field = place[-1]
        if field.cpp_type == _KINDS.CPPTYPE_STRING:
            parts = ("x", "/a", "&a=1", "[", "\N{ANATOMICAL HEART}", "../")
            values: list[Any] = [part * (size // len(part.encode())) for part in parts]
            values += [f"phantom://cardiac?{values[2]}"[:size], "/" + values[-1][1:]]
            if field.is_repeated:
                values = [[value] for value in values] + [[""] * (size // 2), ["fid"] * (size // 5)]
        elif field.is_repeated and field.message_type is None:
            values = [[1] * size, [-1] * (size // 10)]
        else:
            continue
        for value in values:
            message = GetMessageClass(descriptor)()
            _set(message, place, value)
            yield ".".join(step.name for step in place), message.SerializeToString()


def messages(descriptor: Descriptor, words: Words) -> st.SearchStrategy[Message]:
    """Messages whose fields are set or not, with anything that their types can carry."""
    fields = {field.name: _field(field, words) for field in descriptor.fields}
    make = GetMessageClass(descriptor)
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: make(**values))


def _field(field: FieldDescriptor, words: Words) -> st.SearchStrategy[Any]:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        key, value = (_value(entry.fields_by_name[name], words) for name in ("key", "value"))
        return st.dictionaries(key, value, max_size=4)
    value = _value(field, words)
    if not field.is_repeated:
        return value
    is_text = field.cpp_type == _KINDS.CPPTYPE_STRING
    repeated = st.sampled_from(words.by_field.get(field.name, words.others)) if is_text else value
    many = st.tuples(repeated, st.sampled_from((50, 5000))).map(lambda both: [both[0]] * both[1])
    return st.one_of(st.lists(value, max_size=4), many)


def _value(field: FieldDescriptor, words: Words) -> st.SearchStrategy[Any]:
    kind = field.cpp_type
    if kind == _KINDS.CPPTYPE_MESSAGE:
        return messages(field.message_type, words)
    if kind == _KINDS.CPPTYPE_BOOL:
        return st.booleans()
    if kind in (_KINDS.CPPTYPE_DOUBLE, _KINDS.CPPTYPE_FLOAT):
        width = 32 if kind == _KINDS.CPPTYPE_FLOAT else 64
        return st.one_of(st.sampled_from(_EXACT), st.floats(width=width))
    if kind == _KINDS.CPPTYPE_STRING:
        return _text(field, words)
    if field.type == _KINDS.TYPE_BYTES:
        return st.binary(max_size=64)
    if kind == _KINDS.CPPTYPE_ENUM:
        known = st.sampled_from([value.number for value in field.enum_type.values])
        return st.one_of(known, known, st.integers(-(2**31), 2**31 - 1))
    if kind in _UNSIGNED:
        low, high = 0, 2 ** _UNSIGNED[kind] - 1
    else:
        bits = 31 if kind in _INT32 else 63
        low, high = -(2**bits), 2**bits - 1
    edges = st.sampled_from((low, high, high - 1))
    return st.one_of(st.sampled_from(_COMMON), st.integers(low, high), edges)


def _text(field: FieldDescriptor, words: Words) -> st.SearchStrategy[str]:
    usual = words.by_field.get(field.name)
    choices = [
        st.sampled_from(words.others),
        TEXT,
        st.sampled_from(words.others).flatmap(lambda word: TEXT.map(lambda text: word + text)),
        TEXT.map(lambda text: (text or "a") * (_LONG // max(len(text), 1))),
    ]
    odd = st.one_of(choices)
    return _weighted((1, odd), (1, st.sampled_from(usual))) if usual else odd


def _near(template: Message, words: Words) -> st.SearchStrategy[Message]:
    """The template with up to three of its fields, at any depth, set or cleared."""
    places = list(_places(template.DESCRIPTOR))
    change = st.sampled_from(places).flatmap(
        lambda place: st.tuples(st.just(place), st.none() | _field(place[-1], words))
    )

    def changed(changes: Sequence[tuple[tuple[FieldDescriptor, ...], Any]]) -> Message:
        message = type(template)()
        message.CopyFrom(template)
        for place, value in changes:
            _set(message, place, value)
        return message

    changes = st.lists(change, min_size=1, max_size=min(len(places), 3))
    return st.one_of(st.just([]), changes).map(changed)


def _places(descriptor: Descriptor) -> Iterator[tuple[FieldDescriptor, ...]]:
    for field in descriptor.fields:
        yield (field,)
        if field.message_type is not None and not field.is_repeated:
            for place in _places(field.message_type):
                yield (field, *place)


def _set(message: Message, place: Sequence[FieldDescriptor], value: Any) -> None:
    for field in place[:-1]:
        message = getattr(message, field.name)
    name = place[-1].name
    message.ClearField(name)
    if value is None:
        return
    message.MergeFrom(type(message)(**{name: value}))


def _damaged(valid: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Cut, or with a byte replaced."""

    @st.composite
    def damaged(draw: st.DrawFn) -> bytes:
        content = bytearray(draw(valid))
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        if draw(st.booleans()):
            return bytes(content[:at])
        content[at : at + 1] = draw(st.binary(min_size=1, max_size=2))
        return bytes(content)

    return damaged()
