"""A site's own card format, from its TOML to a card at a reader."""

from pathlib import Path

from config.loader import parse_config
from gateway.assembly.devices import SiteDevices
from gateway.clock import SystemClock
from gateway.domain.credential import Identifier
from gateway.domain.signals import CardRead, LinkChanged
from tests.drivers.ptys import PtyPort
from tests.drivers.recording import Recorder, running

SITE = """
schema = 1

[site]
id = "demo"
name = { zh-CN = "演示", en = "Demo" }
zone = "Asia/Shanghai"

[wiegand_format.W26N]
length = 26
number = "1-24"
parities = [{ bit = 0, kind = "even", over = "1-12" }, { bit = 25, kind = "odd", over = "13-24" }]

[device.yard-reader]
driver = "s4a"
port = "yard"
formats = ["W26N", "H10301"]
"""


async def test_a_reader_reads_the_sites_own_format_in_the_order_of_its_settings(tmp_path: Path) -> None:
    port, sink = PtyPort(tmp_path / "yard"), Recorder()
    reader = SiteDevices(parse_config(SITE.encode()), tmp_path, sink, SystemClock()).devices["yard-reader"]
    try:
        async with running(reader.run()):
            await sink.wait_for(LinkChanged)
            await port.write_paced(b"0008065495\r\n")
            (read,) = await sink.wait_for(CardRead)
    finally:
        port.close()
    assert [reading.identifier for reading in read.readings] == [
        Identifier("W26N", None, 8065495),
        Identifier("H10301", 123, 4567),
    ]
