"""`python -m floorbroker`: the same as the `floorbroker` command."""

from floorbroker.cli.main import main

main()
