"""What a sweep file holds apart from how it came about."""

import pathlib

import h5py


def lasting_bytes(path):
    """The bytes of a sweep file, those of /provenance, which may differ between runs, set to zero."""
    data = bytearray(pathlib.Path(path).read_bytes())
    with h5py.File(path, "r", locking=False) as f:
        for dataset in f["provenance"].values():
            begin, size = dataset.id.get_offset(), dataset.id.get_storage_size()
            data[begin : begin + size] = bytes(size)
    return bytes(data)
