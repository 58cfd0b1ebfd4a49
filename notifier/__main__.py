"""`python -m notifier`, and the `notifier` command."""

from __future__ import annotations

from notifier.commands.main import main

if __name__ == "__main__":
    main()
