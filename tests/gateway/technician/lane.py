"""A site with one broker, for what technicians do with devices behind it."""

SITE = """
schema = 1
[site]
id = "lane"
name = {{ zh-CN = "车道", en = "Lane" }}
zone = "Asia/Shanghai"
[broker.local]
host = "127.0.0.1"
port = {port}
insecure = true
{devices}
"""


def lane_site(broker_port: int, devices: str) -> str:
    """Its TOML, with these device tables."""
    return SITE.format(port=broker_port, devices=devices)
