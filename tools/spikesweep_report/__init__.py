"""The report of a run: reads its files, draws its figures, writes one page."""
