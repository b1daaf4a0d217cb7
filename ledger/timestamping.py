"""An RFC 3161 time stamp on a checkpoint: somebody else's word that it existed by then."""

import urllib.error
import urllib.request
from http.client import HTTPException

from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    decode_timestamp_response,
)

TIMEOUT_SECONDS = 5
_LONGEST_ANSWER = 64 * 1024
_REQUEST_TYPE = "application/timestamp-query"


class TimestampRefused(Exception):
    """The stamper can't be reached, refused, or answered about something else."""


def time_stamp(url: str, content: bytes) -> bytes:
    """Return the time-stamp response (DER) of the stamper at `url` over the SHA-256 of `content`.

    It is checked to be granted for this very content and this request's nonce; whose signature it is,
    is for whoever relies on it (`openssl ts -verify`, with the certificates they trust). Raises
    `TimestampRefused`.
    """
    request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
    asked = urllib.request.Request(  # noqa: S310  http or https, by the settings
        url, data=request.as_bytes(), headers={"Content-Type": _REQUEST_TYPE}
    )
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            response = bytes(answer.read(_LONGEST_ANSWER))
    except (urllib.error.URLError, HTTPException, OSError) as failure:
        raise TimestampRefused(type(failure).__name__) from None
    try:
        decoded = decode_timestamp_response(response)
        if decoded.status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
            raise TimestampRefused("not granted")
        told = decoded.tst_info
    except ValueError:
        raise TimestampRefused("not a time stamp") from None
    if (
        told.nonce != request.nonce
        or told.message_imprint.message != request.message_imprint.message
    ):
        raise TimestampRefused("of something else")
    return response
