"""A Modbus RTU relay and input board: one unit of a line that others may share."""

from drivers.registry import Driver, DriverContext
from drivers.relay.board import SerialBoard
from drivers.relay.modbus_bus import shared_bus
from drivers.relay.modbus_line import ModbusLine
from drivers.relay.settings import ModbusSettings


def build(settings: ModbusSettings, context: DriverContext) -> SerialBoard:
    """The board for one device of the site config."""
    line = ModbusLine(shared_bus(context.lines, settings.port, settings.baud), settings)
    return SerialBoard(context.device_id, line, settings, context.sink, context.clock)


DRIVER = Driver(
    "modbus-rtu", "relay_board", ModbusSettings, build, "Modbus RTU relay and input boards (Waveshare and kin)"
)
