"""UHF readers of the ZK-RFID102 family on a serial line: windscreen tags at a gate, several metres away."""

from collections.abc import Callable

from pydantic import Field, field_validator

from drivers.contracts import Framer
from drivers.links import BAUD_RATES, SerialLink
from drivers.registry import Driver, DriverContext, DriverSettings
from drivers.rfid.uhf_conversation import UhfConversation, UhfListener, UhfPlan
from drivers.rfid.uhf_frames import ANY_ADDRESS
from drivers.rfid.uhf_tags import TagsInField
from drivers.serial_reader import SerialReader


class ZkRfid102Settings(DriverSettings):
    """Settings of `driver = "zk-rfid102"`."""

    port: str = Field(min_length=1, description="serial port, such as /dev/serial/by-id/…")
    baud: int = 57600
    address: int = Field(default=ANY_ADDRESS, ge=0, le=ANY_ADDRESS)
    ask: bool = True
    poll_s: float = Field(default=0.05, ge=0.0, le=5.0)
    absence_s: float = Field(default=3.0, ge=0.5, le=3600.0)
    power_dbm: int | None = Field(default=None, ge=0, le=30)
    scan_time_s: float | None = Field(default=None, ge=0.3, le=25.5)

    @field_validator("baud")
    @classmethod
    def _known_baud(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            raise ValueError(f"use one of {', '.join(map(str, BAUD_RATES))}; these readers come with 57600")
        return baud

    def framers(self) -> Callable[[], Framer]:
        """Makes a framer for each new connection; the tags in the field outlast it."""
        field = TagsInField(self.absence_s)
        if not self.ask:
            return lambda: UhfListener(self.address, field)
        plan = UhfPlan(self.address, self.poll_s, self.power_dbm, self.scan_time_s)
        return lambda: UhfConversation(plan, field)


def build(settings: ZkRfid102Settings, context: DriverContext) -> SerialReader:
    """The reader for one device of the site config."""
    link = SerialLink(settings.port, settings.baud)
    return SerialReader(context.device_id, link, settings.framers(), context.sink, context.clock)


DRIVER = Driver("zk-rfid102", "reader", ZkRfid102Settings, build, "UHF readers: ZK-RFID102, CF-RU5102 and kin")
