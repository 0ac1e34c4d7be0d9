"""What result files hold apart from how they came about."""

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


def learnt(path):
    """Every dataset of a model, a validation or a prediction but wall times, as bytes."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset) and not name.endswith(("training/wall", "wall_s")):
            found[name] = item[()].tobytes() if hasattr(item[()], "tobytes") else item[()]

    with h5py.File(path, "r") as f:
        f.visititems(take)
    return found
