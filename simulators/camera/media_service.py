"""ONVIF media: one profile, its source and encoder, and where stream and snapshot are."""

from collections.abc import Callable
from xml.sax.saxutils import escape

from simulators.camera.picture import PictureFormat
from simulators.camera.soap import NAMESPACES, Call, SoapFault

PROFILE = "main"
SOURCE = "source0"
SOURCE_CONFIGURATION = "source-config0"
ENCODER_CONFIGURATION = "encoder-config0"
SNAPSHOT_PATH = "/onvif/snapshot/main.jpg"


class MediaService:
    """Answers the media service (ver10)."""

    namespace = NAMESPACES["trt"]

    def __init__(self, name: str, picture: Callable[[], PictureFormat]) -> None:
        self._name = escape(name)
        self._picture = picture

    def answer(self, call: Call, base_url: str, stream_url: str) -> str:  # noqa: PLR0911 - one line an operation
        """The response's body. Raises SoapFault for what isn't offered or isn't there."""
        match call.operation:
            case "GetProfiles":
                return _wrap(call, self._profile("trt:Profiles"))
            case "GetProfile":
                _demand(call, "ProfileToken", PROFILE, "ter:NoProfile")
                return _wrap(call, self._profile("trt:Profile"))
            case "GetVideoSources":
                return _wrap(call, self._source())
            case "GetVideoSourceConfigurations":
                return _wrap(call, self._source_configuration("trt:Configurations"))
            case "GetVideoEncoderConfigurations":
                return _wrap(call, self._encoder("trt:Configurations"))
            case "GetVideoEncoderConfiguration":
                _demand(call, "ConfigurationToken", ENCODER_CONFIGURATION, "ter:NoConfig")
                return _wrap(call, self._encoder("trt:Configuration"))
            case "GetStreamUri":
                _demand(call, "ProfileToken", PROFILE, "ter:NoProfile")
                return _wrap(call, _media_uri(stream_url))
            case "GetSnapshotUri":
                _demand(call, "ProfileToken", PROFILE, "ter:NoProfile")
                return _wrap(call, _media_uri(base_url + SNAPSHOT_PATH))
            case "GetServiceCapabilities":
                return _wrap(
                    call,
                    '<trt:Capabilities SnapshotUri="true"><trt:ProfileCapabilities MaximumNumberOfProfiles="1"/>'
                    '<trt:StreamingCapabilities RTP_TCP="true" RTP_RTSP_TCP="true"/></trt:Capabilities>',
                )
        raise SoapFault("Receiver", "ter:ActionNotSupported", f"{call.operation} is not offered")

    def _profile(self, tag: str) -> str:
        return (
            f'<{tag} token="{PROFILE}" fixed="true"><tt:Name>{self._name}</tt:Name>'
            f"{self._source_configuration('tt:VideoSourceConfiguration')}"
            f"{self._encoder('tt:VideoEncoderConfiguration')}</{tag}>"
        )

    def _source(self) -> str:
        picture = self._picture()
        return (
            f'<trt:VideoSources token="{SOURCE}"><tt:Framerate>{picture.fps}</tt:Framerate>'
            f"{_resolution(picture)}</trt:VideoSources>"
        )

    def _source_configuration(self, tag: str) -> str:
        picture = self._picture()
        return (
            f'<{tag} token="{SOURCE_CONFIGURATION}"><tt:Name>{self._name}</tt:Name><tt:UseCount>1</tt:UseCount>'
            f"<tt:SourceToken>{SOURCE}</tt:SourceToken>"
            f'<tt:Bounds x="0" y="0" width="{picture.width}" height="{picture.height}"/></{tag}>'
        )

    def _encoder(self, tag: str) -> str:
        picture = self._picture()
        return (
            f'<{tag} token="{ENCODER_CONFIGURATION}"><tt:Name>H.264</tt:Name><tt:UseCount>1</tt:UseCount>'
            f"<tt:Encoding>H264</tt:Encoding>{_resolution(picture)}<tt:Quality>5</tt:Quality>"
            f"<tt:RateControl><tt:FrameRateLimit>{picture.fps}</tt:FrameRateLimit>"
            "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl>"
            f"<tt:H264><tt:GovLength>{picture.gop}</tt:GovLength><tt:H264Profile>Baseline</tt:H264Profile></tt:H264>"
            "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
            "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
            f"<tt:SessionTimeout>PT60S</tt:SessionTimeout></{tag}>"
        )


def _wrap(call: Call, content: str) -> str:
    return f"<trt:{call.operation}Response>{content}</trt:{call.operation}Response>"


def _demand(call: Call, name: str, expected: str, subcode: str) -> None:
    if call.text(name) != expected:
        raise SoapFault("Sender", subcode, f"{name} {call.text(name)!r} does not exist")


def _resolution(picture: PictureFormat) -> str:
    return f"<tt:Resolution><tt:Width>{picture.width}</tt:Width><tt:Height>{picture.height}</tt:Height></tt:Resolution>"


def _media_uri(uri: str) -> str:
    return (
        f"<trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>"
    )
