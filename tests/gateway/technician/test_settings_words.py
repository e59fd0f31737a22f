"""Settings on the command line: each read as its setting wants it, and each fault in words."""

import pytest

from config.loader import ConfigFaults
from drivers.registry import DriverSettings
from drivers.serial_frame.settings import SerialFrameSettings
from drivers.wiegand.s4a import S4aSettings
from gateway.errors import ConfigError
from gateway.technician.settings_words import read_settings


def test_text_of_digits_stays_text_where_text_is_wanted() -> None:
    read = read_settings(SerialFrameSettings, ["port=/dev/ttyS0", "start=23", "length=8", "formats=UID32"])
    assert (read.start, read.length, read.formats) == ("23", 8, ("UID32",))


@pytest.mark.parametrize("formats", ["H10301,H10304", "H10301, H10304", '["H10301", "H10304"]'])
def test_commas_make_a_list_where_a_list_is_wanted(formats: str) -> None:
    assert read_settings(S4aSettings, ["port=x", f"formats={formats}"]).formats == ("H10301", "H10304")


@pytest.mark.parametrize("text", ["/dev/ttyS0", '"/dev/ttyS0"'])
def test_text_needs_no_quotes(text: str) -> None:
    assert read_settings(S4aSettings, [f"port={text}", "formats=H10301"]).port == "/dev/ttyS0"


@pytest.mark.parametrize(
    ("model", "given", "fault"),
    [
        (S4aSettings, [], "--set port: is needed and missing"),
        (S4aSettings, ["port=x", "baud=fast"], "--set baud = 'fast': write a whole number, without quotes"),
        (S4aSettings, ["prot=x", "port=x"], "--set prot = 'x': is unknown; did you mean 'port'?"),
        (SerialFrameSettings, ["port=x", "end=zz"], "--set formats: is needed and missing"),
    ],
)
def test_faults_name_key_and_remedy_as_a_check_has_them(
    model: type[DriverSettings], given: list[str], fault: str
) -> None:
    with pytest.raises(ConfigFaults) as caught:
        read_settings(model, given)
    said = [str(each) for each in caught.value.faults]
    assert any(line.startswith(fault) for line in said), said


def test_word_that_is_no_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        read_settings(S4aSettings, ["port"])
