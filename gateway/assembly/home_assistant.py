"""Wires what tells Home Assistant: the config's doors, the journal, and a client of the named broker."""

import asyncio
import logging
from functools import partial

import aiomqtt

from config.loader import SiteConfig
from config.model import Names
from drivers.mqtt.broker_client import make_client, make_tls
from gateway.assembly.devices import place_settings
from gateway.errors import ConfigError
from gateway.paths import Paths
from gateway.secret_files import read_secret
from gateway.store.journal_reader import SqliteJournalReader
from gateway.version import VERSION
from sync.home_assistant.entities import OFFLINE, SiteEntities
from sync.home_assistant.publisher import Announcer, Told, take_back

log = logging.getLogger(__name__)


async def run_home_assistant(config: SiteConfig, paths: Paths) -> None:
    """Tell Home Assistant until cancelled; without it in the config, take back what was told, and end."""
    told = Told(paths.data / "home-assistant.json")
    if config.home_assistant is None:
        await _forget(config, paths, told)
        return
    table = config.home_assistant
    entities = SiteEntities(
        site=config.site.id,
        name=_name(config.site.name, table.language),
        prefix=table.prefix,
        software=VERSION,
        doors={key: _name(door.name, table.language) for key, door in config.doors.items()},
        contacts=frozenset(key for key, door in config.doors.items() if door.contact is not None),
        people=table.people,
        language=table.language,
    )
    client = partial(_client, config, paths, table.broker)
    await Announcer(entities, SqliteJournalReader(paths.journal), table.broker, client, told).run()


async def _forget(config: SiteConfig, paths: Paths, told: Told) -> None:
    """The broker that was told is asked to forget; if it is away just now, the next start asks again."""
    broker, topics = await asyncio.to_thread(told.read)
    if not topics:
        return
    if broker in config.brokers:
        will = aiomqtt.Will(f"gatehouse-state/{config.site.id}/availability", OFFLINE, 1, True)
        try:
            await take_back(_client(config, paths, broker, will), topics)
        except (aiomqtt.MqttError, ConfigError) as error:
            log.warning("broker %s still shows this site to Home Assistant: %s", broker, error)
            return
    await asyncio.to_thread(told.forget)


def _client(config: SiteConfig, paths: Paths, name: str, will: aiomqtt.Will) -> aiomqtt.Client:
    """A client of its own. Raises ConfigError: a secret or a certificate that can't be used."""
    settings = place_settings(config.brokers[name], paths.data)
    password = read_secret(paths.data, settings.password) if settings.password else None
    tls = make_tls(name, settings)
    return make_client(settings, password, tls, lambda _topic: False, version_5=False, will=will)


def _name(names: Names, language: str) -> str:
    return names.zh_CN if language == "zh-CN" else names.en
