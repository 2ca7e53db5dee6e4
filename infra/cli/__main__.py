"""`python -m evenscreen.infra.cli`: the same command where the entry point is not on the PATH."""

from evenscreen.infra.cli.main import main

main()
