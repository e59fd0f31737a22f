"""ONVIF device management: who the camera is and where its services are."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from simulators.camera.soap import NAMESPACES, Call, SoapFault

DEVICE_PATH = "/onvif/device_service"
MEDIA_PATH = "/onvif/media_service"
EVENT_PATH = "/onvif/event_service"

WITHOUT_LOGIN = frozenset(
    {"GetSystemDateAndTime", "GetServices", "GetServiceCapabilities", "GetCapabilities", "GetHostname", "GetWsdlUrl"}
)
"""The operations of access class PRE_AUTH (ONVIF Core, 5.9.4.3)."""

_VERSION = "<tt:Major>2</tt:Major><tt:Minor>60</tt:Minor>"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the camera says about itself."""

    name: str
    uuid: str
    serial: str

    def scopes(self) -> tuple[str, ...]:
        """Scope URIs (ONVIF Core, 7.3.3.2)."""
        root = "onvif://www.onvif.org"
        return (
            f"{root}/type/video_encoder",
            f"{root}/type/Network_Video_Transmitter",
            f"{root}/Profile/Streaming",
            f"{root}/hardware/Simulated",
            f"{root}/name/{quote(self.name)}",
            f"{root}/location/yard",
        )


class DeviceService:
    """Answers the device service."""

    namespace = NAMESPACES["tds"]

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def answer(self, call: Call, base_url: str, now: datetime) -> str:
        """The response's body. Raises SoapFault for what isn't offered."""
        match call.operation:
            case "GetSystemDateAndTime":
                return _date_and_time(now)
            case "GetDeviceInformation":
                return self._information()
            case "GetCapabilities":
                return _capabilities(base_url)
            case "GetServices":
                return _services(base_url)
            case "GetServiceCapabilities":
                return _wrap(
                    call,
                    "<tds:Capabilities><tds:Network/>"
                    '<tds:Security UsernameToken="true" HttpDigest="false"/><tds:System/></tds:Capabilities>',
                )
            case "GetScopes":
                return _wrap(call, "".join(_scope(scope) for scope in self._identity.scopes()))
            case "GetHostname":
                name = escape(self._identity.name)
                info = f"<tt:FromDHCP>false</tt:FromDHCP><tt:Name>{name}</tt:Name>"
                return _wrap(call, f"<tds:HostnameInformation>{info}</tds:HostnameInformation>")
            case "GetNetworkInterfaces":
                return _wrap(call, self._interface())
        raise SoapFault("Receiver", "ter:ActionNotSupported", f"{call.operation} is not offered")

    def _information(self) -> str:
        return (
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>Gatehouse</tds:Manufacturer>"
            "<tds:Model>Simulated yard camera</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion>"
            f"<tds:SerialNumber>{escape(self._identity.serial)}</tds:SerialNumber>"
            "<tds:HardwareId>SIM-1</tds:HardwareId></tds:GetDeviceInformationResponse>"
        )

    def _interface(self) -> str:
        octets = self._identity.serial[:10].ljust(10, "0")
        address = ":".join(("02", *(octets[i : i + 2] for i in range(0, 10, 2))))
        return (
            '<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>'
            f"<tt:HwAddress>{address}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info></tds:NetworkInterfaces>"
        )


def _wrap(call: Call, content: str) -> str:
    return f"<tds:{call.operation}Response>{content}</tds:{call.operation}Response>"


def _scope(uri: str) -> str:
    fixed = "Configurable" if "/name/" in uri or "/location/" in uri else "Fixed"
    return f"<tds:Scopes><tt:ScopeDef>{fixed}</tt:ScopeDef><tt:ScopeItem>{escape(uri)}</tt:ScopeItem></tds:Scopes>"


def _date_and_time(now: datetime) -> str:
    moment = (
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
        f"<tt:Second>{now.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
    )
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime>{moment}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _capabilities(base: str) -> str:
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{base}{DEVICE_PATH}</tt:XAddr></tt:Device>"
        f"<tt:Events><tt:XAddr>{base}{EVENT_PATH}</tt:XAddr>"
        "<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>"
        "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
        "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport>"
        f"</tt:Events><tt:Media><tt:XAddr>{base}{MEDIA_PATH}</tt:XAddr><tt:StreamingCapabilities>"
        "<tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP>"
        "<tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>"
        "</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def _services(base: str) -> str:
    paths = (("tds", DEVICE_PATH), ("trt", MEDIA_PATH), ("tev", EVENT_PATH))
    services = "".join(
        f"<tds:Service><tds:Namespace>{NAMESPACES[prefix]}</tds:Namespace><tds:XAddr>{base}{path}</tds:XAddr>"
        f"<tds:Version>{_VERSION}</tds:Version></tds:Service>"
        for prefix, path in paths
    )
    return f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>"
