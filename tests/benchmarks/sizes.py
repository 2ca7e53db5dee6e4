"""How much is measured: the full run of `make bench`, or a run that only shows that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Every size can be given on the command line under its own name."""

    rounds: int = 3
    """Rounds of A B A B in every section that compares."""
    load_images: int = 3000
    """Images of one run at full load."""
    trickle_images: int = 70
    """Images of one run at `trickle_per_s`."""
    trickle_per_s: float = 5.0
    kill_rounds: int = 3
    memory_images: int = 10_000
    """Images that a worker's memory is followed over; the first tenth is its warm-up."""
    cold_rounds: int = 5


QUICK = Sizes(
    rounds=1,
    load_images=300,
    trickle_images=10,
    kill_rounds=1,
    memory_images=500,
    cold_rounds=1,
)
