"""ONVIF events: motion as property events, drawn from pull points (ONVIF Core, 9)."""

import asyncio
import contextlib
import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from simulators.camera.media_service import SOURCE, SOURCE_CONFIGURATION
from simulators.camera.soap import NAMESPACES, Call, SoapFault, parse_time, write_time

SUBSCRIPTION_PATH = "/onvif/subscription/"

_MAX_SUBSCRIPTIONS = 16
"""A camera's usual bound; one more is refused with a fault."""
_MAX_WAITING = 64
"""Notifications kept for a client that does not pull; the oldest go first."""
_DEFAULT_LIFE = timedelta(seconds=60)
_LONGEST_LIFE = timedelta(hours=1)
_LONGEST_PULL_S = 60.0
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")

_CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_TOPICS = (
    ("tns1:VideoSource/MotionAlarm", (("Source", SOURCE),), "State"),
    (
        "tns1:RuleEngine/CellMotionDetector/Motion",
        (
            ("VideoSourceConfigurationToken", SOURCE_CONFIGURATION),
            ("VideoAnalyticsConfigurationToken", "analytics0"),
            ("Rule", "motion"),
        ),
        "IsMotion",
    ),
)


@dataclass(slots=True)
class _Subscription:
    ends: datetime
    waiting: deque[str]
    news: asyncio.Event


class EventService:
    """Keeps subscriptions and tells them of motion."""

    namespace = NAMESPACES["tev"]

    def __init__(self) -> None:
        self._subscriptions: dict[str, _Subscription] = {}
        self._count = 0
        self._motion = False

    @property
    def subscriptions(self) -> int:
        """How many there are, expired ones included until somebody asks."""
        return len(self._subscriptions)

    def tell_motion(self, motion: bool, now: datetime) -> None:
        """The motion detector changed its mind."""
        self._motion = motion
        for subscription in self._subscriptions.values():
            self._put_state(subscription, "Changed", now)

    def answer(self, call: Call, base_url: str, now: datetime) -> str:
        """The event service's own operations. Raises SoapFault."""
        match call.operation:
            case "GetEventProperties":
                return _event_properties()
            case "CreatePullPointSubscription":
                return self._create(call, base_url, now)
            case "GetServiceCapabilities":
                return (
                    "<tev:GetServiceCapabilitiesResponse><tev:Capabilities WSPullPointSupport="
                    f'"true" MaxPullPoints="{_MAX_SUBSCRIPTIONS}"/></tev:GetServiceCapabilitiesResponse>'
                )
        raise SoapFault("Receiver", "ter:ActionNotSupported", f"{call.operation} is not offered")

    async def answer_subscription(self, call: Call, key: str, now: datetime) -> str:
        """Operations on one subscription. Raises SoapFault, also when it has ended."""
        self._forget_ended(now)
        subscription = self._subscriptions.get(key)
        if subscription is None:
            raise SoapFault("Sender", "ter:InvalidArgVal", "The subscription has ended")
        match call.operation:
            case "PullMessages":
                return await self._pull(call, subscription, now)
            case "Renew":
                subscription.ends = _termination(call.text("TerminationTime"), now)
                return (
                    f"<wsnt:RenewResponse><wsnt:TerminationTime>{write_time(subscription.ends)}</wsnt:TerminationTime>"
                    f"<wsnt:CurrentTime>{write_time(now)}</wsnt:CurrentTime></wsnt:RenewResponse>"
                )
            case "Unsubscribe":
                del self._subscriptions[key]
                subscription.news.set()
                return "<wsnt:UnsubscribeResponse/>"
            case "SetSynchronizationPoint":
                self._put_state(subscription, "Initialized", now)
                return "<tev:SetSynchronizationPointResponse/>"
        raise SoapFault("Receiver", "ter:ActionNotSupported", f"{call.operation} is not offered")

    def _create(self, call: Call, base_url: str, now: datetime) -> str:
        self._forget_ended(now)
        if len(self._subscriptions) >= _MAX_SUBSCRIPTIONS:
            raise SoapFault("Receiver", "ter:ActionNotSupported", "No more pull points")
        ends = _termination(call.text("InitialTerminationTime"), now)
        subscription = _Subscription(ends, deque(maxlen=_MAX_WAITING), asyncio.Event())
        self._count += 1
        self._subscriptions[str(self._count)] = subscription
        self._put_state(subscription, "Initialized", now)
        return (
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            f"<wsa5:Address>{escape(base_url)}{SUBSCRIPTION_PATH}{self._count}</wsa5:Address>"
            f"</tev:SubscriptionReference><wsnt:CurrentTime>{write_time(now)}</wsnt:CurrentTime>"
            f"<wsnt:TerminationTime>{write_time(ends)}</wsnt:TerminationTime>"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    async def _pull(self, call: Call, subscription: _Subscription, now: datetime) -> str:
        timeout_s = min(_seconds(call.text("Timeout") or "PT0S"), _LONGEST_PULL_S)
        limit_text = call.text("MessageLimit") or "1"
        limit = int(limit_text) if limit_text.isdecimal() else 1
        loop = asyncio.get_running_loop()
        began = loop.time()
        if not subscription.waiting:
            subscription.news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await subscription.news.wait()
        answered = now + timedelta(seconds=loop.time() - began)
        # A pull is a sign of life (ONVIF Core, 9.1.2): it keeps the subscription at least this long.
        subscription.ends = max(subscription.ends, answered + _DEFAULT_LIFE)
        messages = "".join(subscription.waiting.popleft() for _ in range(min(limit, len(subscription.waiting))))
        return (
            f"<tev:PullMessagesResponse><tev:CurrentTime>{write_time(answered)}</tev:CurrentTime>"
            f"<tev:TerminationTime>{write_time(subscription.ends)}</tev:TerminationTime>"
            f"{messages}</tev:PullMessagesResponse>"
        )

    def _put_state(self, subscription: _Subscription, operation: str, now: datetime) -> None:
        for topic, source, data in _TOPICS:
            subscription.waiting.append(_notification(topic, source, data, self._motion, operation, now))
        subscription.news.set()

    def _forget_ended(self, now: datetime) -> None:
        for key, subscription in tuple(self._subscriptions.items()):
            if subscription.ends <= now:
                del self._subscriptions[key]


def _notification(
    topic: str, source: tuple[tuple[str, str], ...], data: str, value: bool, operation: str, now: datetime
) -> str:
    items = "".join(f'<tt:SimpleItem Name="{name}" Value="{text}"/>' for name, text in source)
    return (
        f'<wsnt:NotificationMessage><wsnt:Topic Dialect="{_CONCRETE}">{topic}</wsnt:Topic><wsnt:Message>'
        f'<tt:Message UtcTime="{write_time(now)}" PropertyOperation="{operation}"><tt:Source>{items}</tt:Source>'
        f'<tt:Key/><tt:Data><tt:SimpleItem Name="{data}" Value="{str(value).lower()}"/></tt:Data></tt:Message>'
        "</wsnt:Message></wsnt:NotificationMessage>"
    )


def _event_properties() -> str:
    motion = _description((("Source", "tt:ReferenceToken"),), "State")
    cell = _description(
        (
            ("VideoSourceConfigurationToken", "tt:ReferenceToken"),
            ("VideoAnalyticsConfigurationToken", "tt:ReferenceToken"),
            ("Rule", "xs:string"),
        ),
        "IsMotion",
    )
    return (
        "<tev:GetEventPropertiesResponse>"
        "<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>"
        "<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>"
        f'<tns1:VideoSource><MotionAlarm wstop:topic="true">{motion}</MotionAlarm></tns1:VideoSource>'
        f'<tns1:RuleEngine><CellMotionDetector><Motion wstop:topic="true">{cell}</Motion></CellMotionDetector>'
        f"</tns1:RuleEngine></wstop:TopicSet>"
        f"<wsnt:TopicExpressionDialect>{_CONCRETE}</wsnt:TopicExpressionDialect>"
        "<wsnt:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
        "</wsnt:TopicExpressionDialect><tev:MessageContentFilterDialect>"
        "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</tev:MessageContentFilterDialect>"
        "<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd"
        "</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>"
    )


def _description(source: tuple[tuple[str, str], ...], data: str) -> str:
    items = "".join(f'<tt:SimpleItemDescription Name="{name}" Type="{kind}"/>' for name, kind in source)
    return (
        f'<tt:MessageDescription IsProperty="true"><tt:Source>{items}</tt:Source><tt:Data>'
        f'<tt:SimpleItemDescription Name="{data}" Type="xs:boolean"/></tt:Data></tt:MessageDescription>'
    )


def _termination(text: str | None, now: datetime) -> datetime:
    """From an xs:duration or an xs:dateTime, within an hour from now. Raises SoapFault."""
    if text is None:
        return now + _DEFAULT_LIFE
    if text.startswith("P"):
        return now + min(timedelta(seconds=_seconds(text)), _LONGEST_LIFE)
    moment = parse_time(text)
    if moment is None or moment <= now:
        raise SoapFault("Sender", "ter:InvalidArgVal", f"Termination time {text!r}")
    return min(moment, now + _LONGEST_LIFE)


def _seconds(text: str) -> float:
    """An xs:duration without years and months, in seconds. Raises SoapFault."""
    match = _DURATION.fullmatch(text)
    if match is None or len(text) > 32:
        raise SoapFault("Sender", "ter:InvalidArgVal", f"Duration {text[:40]!r}")
    days, hours, minutes, seconds = (float(group or 0) for group in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
