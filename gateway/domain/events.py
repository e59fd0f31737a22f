"""Events: what happened, in the past tense, journalled. The third vocabulary.

The class name is the event's type in the journal; `version` is its schema version. Events name people and
credentials by opaque ids only. Old versions are read for ever: see `gateway.store.records.UPCASTERS`.

Each noun's events lie in a module of their own and are joined there in one type; all of them are imported from here.
"""

from typing import TypeAlias

from gateway.domain.events_access import *
from gateway.domain.events_alarm import *
from gateway.domain.events_device import *
from gateway.domain.events_door import *
from gateway.domain.events_gateway import *
from gateway.domain.events_journal import *
from gateway.domain.events_list import *
from gateway.domain.events_tour import *

Event: TypeAlias = (
    GatewayEvent | ListEvent | JournalEvent | AccessEvent | DoorEvent | DeviceEvent | AlarmEvent | TourEvent
)
