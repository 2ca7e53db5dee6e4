"""A broken source must not drain the topic into dead letters."""

from .clinic import Clinic


def test_the_breaker_stops_every_worker_and_no_restart_drains_the_topic(clinic: Clinic) -> None:
    limits = {"breaker_rejections": "12", "batch_images": "4"}
    crew = [clinic.crew.start(**limits).wait_ready() for _ in range(2)]
    letters = [clinic.put(f"letter-{n}.jpg", b"Dear colleague %d" % n) for n in range(200)]
    clinic.announce(letters)
    assert [worker.exit_code() for worker in crew] == [69, 69]
    assert all("See 'breaker' in docs/RUNBOOK.md" in worker.output for worker in crew)
    rejected = clinic.count("dead_letters")
    assert 12 <= rejected < 60
    clinic.assert_nothing_acknowledged_undone()

    for _ in range(2):
        again = clinic.crew.start(**limits)
        assert again.exit_code() == 69
        assert "docs/RUNBOOK.md" in again.output
    assert clinic.count("dead_letters") == rejected
    assert clinic.group.behind() >= 200 - rejected
