"""One small HTTP client for vendors: GET with time-outs and a limit on the body, over urllib3.

urllib3 comes with botocore; the layer has version 2, which notices a body that was cut off. There are no retries and no
redirects inside: whether to ask again is the queue's decision, and a token follows no redirect to another host.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3

from minutemend.core.errors import MinutemendError

LARGEST_BODY = 16 * 1024 * 1024  # 10,000 Alpaca bars are about 1.2 MB
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(MinutemendError):
    """No whole answer came: refused, timed out, dropped or cut off. The message holds no URL and no header."""


class BodyTooLarge(MinutemendError):
    """The answer is larger than anything that we could have asked for."""


class Http(ABC):
    """The transport seam: what vendor adapters need of the network. Tests put a fake here."""

    @abstractmethod
    def get(self, url: str, *, params: Mapping[str, str], headers: Mapping[str, str], timeout: float) -> Reply:
        """GET `url` with the query `params`, within `timeout` seconds. Redirects are replies like others.
        Raises NoReply, BodyTooLarge."""


class UrllibHttp(Http):
    """The real one. Keeps connections open between the calls of a warm function; safe to share by threads."""

    def __init__(self, *, largest_body: int = LARGEST_BODY, connections: int = 8) -> None:
        self._pool = urllib3.PoolManager(num_pools=4, maxsize=connections, cert_reqs="CERT_REQUIRED")
        self._largest = largest_body

    def get(self, url: str, *, params: Mapping[str, str], headers: Mapping[str, str], timeout: float) -> Reply:
        deadline = time.monotonic() + timeout
        try:
            response = self._pool.request(
                "GET",
                url,
                fields=dict(params),
                headers={"User-Agent": "minutemend", "Accept": "application/json", **headers},
                timeout=urllib3.Timeout(total=timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                body = self._read(response, deadline)
            except BaseException:
                response.close()  # a half-read connection is of no use to the next call
                raise
            response.release_conn()
        except urllib3.exceptions.TimeoutError:
            raise NoReply(f"no whole answer within {timeout:g} s") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # The text of urllib3's errors holds the host and the path: the type says enough.
            raise NoReply(f"the connection failed or was dropped ({type(error).__name__})") from None
        names = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, names, body)

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        # read1 gives what is there; read waits for a whole chunk of a body that drips.
        # Nothing is decompressed: we ask for no compression, and a bomb stays as small as it came.
        parts: list[bytes] = []
        size = 0
        while part := response.read1(CHUNK, decode_content=False):
            size += len(part)
            if size > self._largest:
                raise BodyTooLarge(f"the body is larger than {self._largest} bytes")
            if time.monotonic() > deadline:  # urllib3's time-out is for each read, not for all of them
                raise NoReply("the answer came too slowly")
            parts.append(part)
        return b"".join(parts)
