"""What the daemon can do on this machine: `make bench`, or `python -m bench --help`."""
