"""One file per command group; `main.py` assembles them."""
