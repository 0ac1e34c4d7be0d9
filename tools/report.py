#!/usr/bin/python3 -I
"""Writes DIR/report.html, one self-contained page about the run in DIR, and prints its path.

Exit codes: 0 written, 1 the page could not be written, 2 DIR holds no readable sweep.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True  # The source tree may be read-only, and stays clean.

# Under mpirun h5py would start MPI; under a shared file system a reader must not lock out the sweep that writes.
for name in [n for n in os.environ if n.startswith(("OMPI_", "PMIX_", "PMI_", "MPI_LOCALNRANKS"))]:
    del os.environ[name]
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
# The page looks the same whatever settings the user has for other pictures.
os.environ["MATPLOTLIBRC"] = os.devnull
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# A path is printed with the bytes that it has, whether they are UTF-8 or not.
for stream in (sys.stdout, sys.stderr):
    if stream is not None:  # Whoever called may have closed it.
        stream.reconfigure(errors="surrogateescape")
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", metavar="DIR",
                        help="run directory with sweep.h5 and, where they exist, model.h5, validation.h5, run.json")
    parser.add_argument("--figures", metavar="DIR", help="also save every figure there as PNG")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        from spikesweep_report import page, reading
    except ImportError as error:
        print(f"report: needs python3-h5py and python3-matplotlib, which tools/setup installs: {error}",
              file=sys.stderr)
        return 1
    try:
        print(page.report(options.directory, options.figures))
    except reading.Unreadable as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
