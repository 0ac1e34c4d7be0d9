"""What a run directory holds: its sweep, its model, its validation, and run.json."""

from dataclasses import dataclass, field

import numpy as np

TASK_STATES = {0: "pending", 1: "done", 2: "runaway", 3: "time cap", 4: "crashed"}
ROLES = {0: "training", 1: "selection", 2: "test"}
DONE = 1


@dataclass
class Sweep:
    """sweep.h5. `rate_E` and `rate_I` are per point [Hz], NaN where no task of the point is done. `measured` holds the
    figures that the tasks measured, by name: the mean over the done tasks of each point that know it, else NaN; files
    of older versions hold none. `figure_units` holds their units."""
    version: str
    seed: str
    replicates: int
    config: str
    section: str
    axes: list
    units: list
    points: np.ndarray
    roles: np.ndarray
    sizes: dict
    tasks: dict
    core_s: np.ndarray
    log: list
    rate_E: np.ndarray
    rate_I: np.ndarray
    measured: dict = field(default_factory=dict)
    figure_units: dict = field(default_factory=dict)

    @property
    def failed(self):
        """Points that have a failed task."""
        state = self.tasks["state"]
        return np.unique(self.tasks["point"][state > DONE]).astype(int)


@dataclass
class Model:
    """model.h5: losses by epoch, and the closed-loop errors of the compared epochs (shares, not percent)."""
    version: str
    seed: str
    curves: dict
    candidates: dict


@dataclass(frozen=True)
class Figure:
    """A figure of runs. comparison: relative, by the difference over the exact value; absolute, by the difference;
    decibel, by ten times the logarithm of the ratio; or distance, which is a difference itself. A value within
    `tolerance` of the exact one is right."""
    key: str
    unit: str
    words: str
    comparison: str
    tolerance: float = np.nan
    definition: str = ""

    @property
    def label(self):
        return self.words[0].upper() + self.words[1:]

    @property
    def error_unit(self):
        return {"relative": "%", "decibel": "dB"}.get(self.comparison, self.unit)


# The figures of validation files of 0.1.0, which do not describe them. Later figures do not belong here: files of later
# versions describe their figures in the group `figures`.
UNDESCRIBED_FIGURES = [
    Figure("rate_E_hz", "Hz", "E rate", "relative"),
    Figure("rate_I_hz", "Hz", "I rate", "relative"),
    Figure("phase_rate_hz", "Hz", "rate of phases that are not quiet", "relative"),
    Figure("size_mean", "spike", "mean size of a phase", "relative"),
    Figure("size_cv", "1", "CV of the sizes of phases", "relative"),
    Figure("interval_mean_s", "s", "mean interval from phase to phase", "relative"),
    Figure("interval_cv", "1", "CV of the intervals from phase to phase", "relative"),
    Figure("fano_E_1ms", "1", "Fano factor of E counts in 1 ms", "relative"),
    Figure("peak_hz", "Hz", "spectral peak of the E rate", "absolute", 2.0),
]


@dataclass
class Verdicts:
    """Verdicts on the rates of runs of `seconds`: codes by run and by point, rate_E or rate_I; see `names`."""
    seconds: float
    names: dict
    codes: dict


@dataclass
class Calibration:
    """Of one step of the law. One row an output of the law in one kind of phase."""
    phase: list
    output: list
    rows: np.ndarray
    histogram: np.ndarray
    level: np.ndarray
    coverage: np.ndarray
    mean: np.ndarray
    bias: np.ndarray


@dataclass
class Published:
    """Published rates of E and I, presets x models, and our own of the exact network and the surrogate [Hz]."""
    source: str
    presets: list
    models: list
    rates: dict
    own: dict


@dataclass
class Map:
    """Figures of the surrogate over a plane through the middle of the box: `axes` names its one or two axes,
    `coordinates` gives the values of each, and `values` an array for each figure, with one dimension for each axis."""
    axes: list
    coordinates: list
    values: dict


@dataclass
class Validation:
    """validation.h5: figures of every run at every test point. Files of older versions lack the last six."""
    version: str
    seed: str
    duration_s: float
    surrogate_s: float
    axes: list
    units: list
    values: np.ndarray
    index: np.ndarray
    runaway: np.ndarray
    distance: np.ndarray
    runs: list
    figures: list
    summary: dict
    distances: dict
    frequency: np.ndarray
    spectra: dict
    rasters: dict
    verdicts: Verdicts = None
    calibration: Calibration = None
    published: Published = None
    standard_errors: dict = field(default_factory=dict)
    peak_doubts: dict = field(default_factory=dict)
    usefulness: str = ""
    maps: list = field(default_factory=list)

    @property
    def count(self):
        return len(self.values)


@dataclass
class Run:
    """A run directory. `missing` gives, for a part that could not be read, a sentence saying why."""
    directory: str
    sweep: Sweep
    model: Model = None
    validation: Validation = None
    info: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)
