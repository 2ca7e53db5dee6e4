"""The same messages again leave the same rows."""

import signal

from .clinic import Clinic


def test_full_replay_leaves_every_table_as_it_was(clinic: Clinic) -> None:
    events = [*clinic.photographs(40), clinic.put("letter.jpg", b"Dear colleague")]
    clinic.send_raw([b"no event at all"])
    clinic.announce(events)
    worker = clinic.crew.start().wait_ready()
    clinic.wait_until_ended()
    clinic.assert_exactly_once()
    worker.send(signal.SIGTERM)
    assert worker.exit_code() == 0
    before = clinic.contents()

    clinic.group.reset()
    assert clinic.group.behind() == len(events) + 1
    again = clinic.crew.start().wait_ready()
    clinic.assert_exactly_once()

    assert clinic.contents() == before
    assert again.metric("evenscreen_repeats_total") == len(events) + 1
