"""Signals that ask a command to stop: the first is noted, the second insists, ignored ones stay ignored."""

from __future__ import annotations

import os
import signal

import pytest

from convcli.cli.interruption import interruptions

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"]


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_first_signal_asks_and_the_second_insists(name, second):
    number = getattr(signal, name)
    before = [signal.getsignal(getattr(signal, each)) for each in SIGNALS]
    with interruptions() as asked:
        assert asked == []
        signal.raise_signal(number)
        assert asked == [number]
        with pytest.raises(SystemExit) as end:
            signal.raise_signal(getattr(signal, second))
        assert end.value.code == 128 + getattr(signal, second)
    assert [signal.getsignal(getattr(signal, each)) for each in SIGNALS] == before


def test_what_nohup_has_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptions() as asked:
            signal.raise_signal(signal.SIGHUP)
            assert asked == []
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
