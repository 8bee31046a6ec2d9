"""Sections of a client's configuration: how the network is reached, and what becomes of streams.
"""

# Written by `cargo xtask python`. Change what it is made from, not this file.

from __future__ import annotations

from typing import Literal

from belvedere._config import Duration, Entry

__all__ = ["Streams", "StreamsPausePolicy", "Transport", "TransportHttpVersion"]


StreamsPausePolicy = Literal["backpressure", "spill", "checkpoint"]


class Streams(Entry):
    """What becomes of the streams of a client when they are paused or left. The section `streams` of a
    configuration.

    Args:
        buffer: How much a paused stream buffers, in bytes of memory. What an HTTP connection takes, 24 KiB,
            counts; a quarter is for events in any case. Default 32768.
        keep: How long a stream with an id can be attached to after its end. Default `10m`.
        log: How much of a stream with an id is held in memory, in bytes. Past it, events go to the client's
            store. Default 1048576.
        pause: What a pause does once its buffer is full. Default `backpressure`.
            `"backpressure"`: Stops reading: the pressure reaches the socket, and the upstream waits.
            `"spill"`: Reads on, and keeps what came in the store.
            `"checkpoint"`: Closes the upstream. On resume the answer is continued as a broken one is, which
                needs the `repair` layer.

    Example:
        Streams(keep="1h", pause="spill")
    """

    __slots__ = ("buffer", "keep", "log", "pause")

    def __init__(
        self,
        *,
        buffer: int = 32768,
        keep: Duration = "10m",
        log: int = 1048576,
        pause: StreamsPausePolicy = "backpressure",
    ) -> None:
        self.buffer: int = buffer
        self.keep: Duration = keep
        self.log: int = log
        self.pause: StreamsPausePolicy = pause


TransportHttpVersion = Literal["auto", "http1", "http2"]


class Transport(Entry):
    """How the network is reached. Each field has a default that suits a server with direct access.

    Args:
        ca_file: A PEM file with the certificates of further authorities to trust, beside those of the system.
            Default: none.
        http: The version of HTTP: `auto` (the default), `http1` or `http2`.
            `"auto"`: HTTP/2 where the server offers it in the TLS handshake (ALPN, RFC 7301), else HTTP/1.1.
            `"http1"`: HTTP/1.1 only.
            `"http2"`: HTTP/2 only, also without TLS ("prior knowledge", RFC 9113 section 3.3).
        pool_idle_timeout: How long an unused connection is kept. Default `90s`; `None` keeps it for ever.
        pool_max_idle_per_host: How many unused connections to one host are kept. Default: no limit; `0` keeps
            none.
        proxy: The proxy: `system` (the default: what `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`
            or the system's settings say), `none`, or the address of an HTTP proxy such as
            `http://user:password@proxy:3128`.
        user_agent: The `User-Agent` header. Default `belvedere/` and the version.
    """

    __slots__ = (
        "ca_file",
        "http",
        "pool_idle_timeout",
        "pool_max_idle_per_host",
        "proxy",
        "user_agent",
    )

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        http: TransportHttpVersion | None = None,
        pool_idle_timeout: Duration | None = "1m 30s",
        pool_max_idle_per_host: int | None = None,
        proxy: str | None = None,
        user_agent: str = "belvedere/0.1.0",
    ) -> None:
        self.ca_file: str | None = ca_file
        self.http: TransportHttpVersion | None = http
        self.pool_idle_timeout: Duration | None = pool_idle_timeout
        self.pool_max_idle_per_host: int | None = pool_max_idle_per_host
        self.proxy: str | None = proxy
        self.user_agent: str = user_agent
