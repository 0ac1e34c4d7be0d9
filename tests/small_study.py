"""The config of a study that takes seconds, for tests that need every step of one and ask nothing of its results."""

SMALL_STUDY = """
[network]
preset = "zhang2024"
[design]
kind = "latin_hypercube"
points = 12
selection_points = 2
test_points = 2
[design.axes]
S_EE = {min = 3.8, max = 4.2}
S_EI = {min = 2.0, max = 2.4}
[sweep]
transitions = 80
[learning]
hidden = 32
layers = 2
components = 3
epochs = 2
batch = 64
shards = 8
candidates = 1
selection_s = 1.0
selection_chains = 2
[validation]
duration_s = 2.0
chains = 2
"""


def changed(**values):
    """The same with other values of some keys. Each key has to be there, once."""
    lines = SMALL_STUDY.splitlines(keepends=True)
    for key, value in values.items():
        (place,) = [i for i, line in enumerate(lines) if line.startswith(f"{key} = ")]
        lines[place] = f"{key} = {value}\n"
    return "".join(lines)
