import pytest

from tests.gateway.commands.recorded_day import RecordedDay, record_a_day


@pytest.fixture(scope="session")
def recorded_day(tmp_path_factory: pytest.TempPathFactory) -> RecordedDay:
    """A day whose journal is closed; tests only read it."""
    return record_a_day(tmp_path_factory.mktemp("recorded") / "data")
