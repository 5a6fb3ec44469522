"""Asked to stop, a program does, whatever it was doing."""

import os
import signal

import pytest

from m3depth.stopping import Stopped, stop_if_asked, stopping_at_once


def test_a_signal_ends_what_is_being_done():
    with pytest.raises(Stopped), stopping_at_once():
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_comes_while_an_object_is_collected_is_found_at_the_next_step():
    class Collected:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):  # Python looks for signals between its instructions
                pass

    with stopping_at_once():
        stop_if_asked()
        one = Collected()
        del one  # its exception is dropped
        with pytest.raises(Stopped):
            stop_if_asked()
    with stopping_at_once():
        stop_if_asked()  # another run was not asked
