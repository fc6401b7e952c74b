"""Ctrl+C is noted; whoever presses it again where the window hangs ends the program with the next."""

import signal

from telme_gui.system.interruption import Interruption


def test_a_second_signal_gives_its_kind_back_to_the_system() -> None:
    stop = Interruption()
    signal.raise_signal(signal.SIGINT)
    assert stop.asked
    assert signal.getsignal(signal.SIGINT) == stop._note
    signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) == stop._note
