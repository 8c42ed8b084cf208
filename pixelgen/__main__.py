"""`python -m pixelgen`."""

from pixelgen.cli import main

main()
