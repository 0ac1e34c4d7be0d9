"""Changes of HDF5 files: of their bytes, of their numbers and strings, of their structure."""

import ctypes
import ctypes.util
import functools
import re
import struct

import h5py
import numpy as np

from . import mutate

SEAL_BYTES = 4096
SEAL_NAME = b"spikesweep seal 1\n"
PART_BYTES = 1 << 20
NUMBERS = [0, 1, -1, 2, 3, 7, 255, 256, 65535, 65536, 2**31 - 1, -2**31, 2**31, 2**53, 2**63 - 1, -2**63,
           float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 1e-300, 0.5, 1e9, 1e15, -0.0]
STRINGS = [b"", b"\xff\xfe", b"\xc3", b"S_EE", b"no_such_word", b"../../x", b"a b", b"\n", b"%s%n{}", b"=", b"nan",
           b"-1", b"1e400", b"9" * 30]


class _Hash(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


@functools.lru_cache
def _xxhash():
    found = ctypes.util.find_library("xxhash")
    if found is None:
        raise SystemExit("fuzz: the library xxhash is missing; tools/setup installs it")
    library = ctypes.CDLL(found)
    library.XXH3_128bits.restype = _Hash
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return library


def digest(parts):
    """As store/digest.cpp: every part behind its length."""
    data = b"".join(struct.pack("<Q", len(part)) + part for part in parts)
    found = _xxhash().XXH3_128bits(data, len(data))
    return b"%016x%016x" % (found.high, found.low)


def is_sealed(data):
    return data.startswith(SEAL_NAME)


def seal(data):
    """The file with the right seal for its bytes, as store/seal.cpp writes it, with the ranges of the seal before."""
    block = data[:SEAL_BYTES]
    covered_from = len(SEAL_NAME) + 33
    ranges = [(int(first), int(length)) for first, length in re.findall(rb"changing (\d+) (\d+)\n", block)]
    ranges = [(first, length) for first, length in ranges if first + length <= len(data)]
    settings = b"bytes %d\n" % len(data) + b"".join(b"changing %d %d\n" % r for r in ranges)
    covered = settings.ljust(SEAL_BYTES - covered_from, b"\0")
    parts, at = [covered], SEAL_BYTES
    for first, length in [*ranges, (len(data), 0)]:
        while at < first:
            parts.append(data[at:min(at + PART_BYTES, first)])
            at += len(parts[-1])
        at = first + length
    return SEAL_NAME + digest(parts) + b"\n" + covered + data[SEAL_BYTES:]


def _items(file):
    found = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    return found


def _change_value(rng, item):
    if item.dtype.kind == "S":
        values = np.array(item[()]).reshape(-1)
        if values.size:
            values[rng.randrange(values.size)] = rng.choice([*STRINGS, *values.tolist()])
            # In the file's own type: HDF5 does not convert between its kinds of strings.
            item.id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values), mtype=item.id.get_type())
        return
    values = np.array(item[()]).reshape(-1)
    if not values.size:
        return
    fields = [values[name] for name in values.dtype.names] if values.dtype.names else [values]
    for _ in range(rng.choice([1, 1, 3])):
        field = rng.choice(fields)
        with np.errstate(all="ignore"):
            new = np.float64(rng.choice(NUMBERS)) if field.dtype.kind == "f" else _whole(rng, field.dtype)
            at = rng.choice([0, rng.randrange(field.size), slice(None)])
            field[at] = new
    item[...] = values.reshape(item.shape)


def _whole(rng, dtype):
    limits = np.iinfo(dtype)
    wanted = int(rng.choice([n for n in NUMBERS if n == n and abs(n) < 2**64]))
    return min(max(wanted, limits.min), limits.max)


def _change_attribute(rng, file):
    target = rng.choice([file, *_items(file)])
    if not target.attrs:
        return
    name = rng.choice(sorted(target.attrs))
    old = target.attrs[name]
    if isinstance(old, (str, bytes)):
        target.attrs[name] = rng.choice(["", "x", "é", "-1", "spikesweep model", "a" * 5000, "9" * 40])
    elif np.ndim(old) == 0 and np.asarray(old).dtype.kind in "iuf":
        dtype = np.asarray(old).dtype
        target.attrs[name] = _whole(rng, dtype) if dtype.kind in "iu" else float(rng.choice(NUMBERS))


def _change_shape(rng, file):
    """Another dataset of the same name: other length, other kind, or gone."""
    item = rng.choice(_items(file))
    name, values, kind = item.name, np.array(item[()]), rng.randrange(8)
    del file[name]
    if kind == 0:
        return
    if kind == 1:
        file.create_group(name)
    elif kind == 2:
        file[name] = values.reshape(-1)[:values.size // 2]
    elif kind == 3:
        file[name] = np.concatenate([values.reshape(-1)] * 2) if values.size else np.zeros(3)
    elif kind == 4:
        file[name] = np.zeros((0,) * max(values.ndim, 1))
    elif kind == 5:
        file[name] = "a text" if values.dtype.kind != "S" else 3.0
    elif kind == 6:
        file[name] = h5py.SoftLink("/") if rng.random() < 0.5 else h5py.ExternalLink("/etc/passwd", "/x")
    else:
        shape = rng.choice([(10**15,), (2**31, 2**31), (2**62,)])
        file.create_dataset(name, shape, values.dtype if values.dtype.kind != "S" else "f8", chunks=(1024,) * len(shape))


def change_contents(rng, path):
    """Changes what the file says: with HDF5 itself, so that it is a sound HDF5 file."""
    with h5py.File(path, "r+") as file:
        how = rng.randrange(10)
        if how < 7:
            _change_value(rng, rng.choice(_items(file)))
        elif how < 8:
            _change_attribute(rng, file)
        else:
            _change_shape(rng, file)
    _renew_seal(path)


def _renew_seal(path):
    data = path.read_bytes()
    if is_sealed(data):
        path.write_bytes(seal(data))


def change_bytes(rng, path, sealed_again):
    data = path.read_bytes()
    if sealed_again and is_sealed(data):
        path.write_bytes(seal(mutate.overwrite_bytes(rng, data, SEAL_BYTES)))
    else:
        path.write_bytes(mutate.change_bytes(rng, data))


def take_seal_off(path):
    """As a file of version 0.1.0, which nothing vouches for."""
    data = path.read_bytes()
    if is_sealed(data):
        path.write_bytes(data[SEAL_BYTES:])
