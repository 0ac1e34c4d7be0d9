"""Changes of the files of unfinished work: entries of a name and of bytes, each with its digest (store/entry_file.cpp),
and of JSON texts."""

import json
import struct

from . import hdf5, mutate

DIGEST_BYTES = 32
VALUES = [None, True, 0, -1, 1, 2**31, 2**63, 2**64 - 1, -2**63, 1e300, 0.5, "", "x", "é", "../x", [], {}, [[]], "9" * 400,
          "2026-01-01T00:00:00Z", "9999-99-99T99:99:99Z"]


def read(data):
    """[(name, bytes)] of a whole file."""
    found, at = [], 0
    while at + 16 <= len(data):
        name, size = struct.unpack_from("<QQ", data, at)
        at += 16
        found.append((data[at:at + name], data[at + name:at + name + size]))
        at += name + size + DIGEST_BYTES
    return found


def write(entries):
    return b"".join(struct.pack("<QQ", len(name), len(data)) + name + data + hdf5.digest([name, data])
                    for name, data in entries)


def change(rng, data, kept=()):
    """Either bytes of the file, or one entry, which gets the right digest again; never those of the numbers `kept`."""
    entries = read(data)
    if not entries or rng.random() < 0.3:
        return mutate.change_bytes(rng, data)
    at = rng.choice([i for i in range(len(entries)) if i not in kept])
    name, content = entries[at]
    if content.startswith((b"[{", b"{")):
        content = change_json(rng, content)
    elif content:
        content = rng.choice([mutate.overwrite_bytes, mutate.change_bytes])(rng, content)
    entries[at] = (name, content)
    if rng.random() < 0.1:
        entries.insert(rng.randrange(len(entries)), entries[at])
    return write(entries)


def _places(value, found):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        found.append((value, key))
        _places(part, found)
    return found


def change_json(rng, data):
    """Another value at one or two places, none, or one of great depth."""
    value = json.loads(data)
    for _ in range(rng.choice([1, 1, 2])):
        places = _places(value, [])
        if not places:
            break
        holder, key = rng.choice(places)
        if rng.random() < 0.1:
            del holder[key]
        else:
            holder[key] = rng.choice(VALUES)
    text = json.dumps(value)
    if rng.random() < 0.1:
        depth = rng.choice([100, 5000, 200_000])
        at = text.find(":") + 1 or 1
        text = text[:at] + "[" * depth + "1" + "]" * depth + ("," if at == 1 else ", \"more\":") + text[at:]
    return text.encode()
