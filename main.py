"""TelME Studio: `python main.py` opens the window; `python main.py --help` lists the commands."""

from telme_gui.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
