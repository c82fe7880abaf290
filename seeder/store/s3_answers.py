"""What S3 answered, whichever library says it, and what whoever runs the seeder can do about it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pytest_atdm.core.errors import SettingError, StoreUnavailable

if TYPE_CHECKING:
    from pytest_atdm.core.errors import AtdmError


class Answer(Enum):
    """The kinds of answers that are not what was asked for, in the words that follow a colon."""

    EXISTS = "an object of that name stands"
    MISSING = "there is no such object"
    CONFLICT = "somebody else writes the same object"
    BUSY = "the store is busy or has failed"
    SILENT = "no answer in time"
    AWAY = "no connection, or it broke"
    NO_BUCKET = "there is no such bucket"
    FORBIDDEN = "access is refused"
    NO_CREDENTIALS = "there are no credentials"
    ELSEWHERE = "the bucket is in another region"
    UNABLE = "the store does not know what it was asked for"
    REFUSED = "the store refuses"


#: Answers that may be others a moment later.
PASSING: Final = frozenset({Answer.CONFLICT, Answer.BUSY, Answer.SILENT, Answer.AWAY})

_CREDENTIALS_HINT: Final = (
    "check ATDM_STORE_KEY and ATDM_STORE_SECRET, or the AWS credentials of the seeder's environment, and that they may "
    "list, read, write and remove objects of the bucket"
)
_AWAY_HINT: Final = "see that the store runs, and that ATDM_STORE_ENDPOINT is where it answers; it is tried again"
_HINTS: Final = {
    Answer.CONFLICT: "it is tried again",
    Answer.BUSY: "look into the log of the store; it is tried again",
    Answer.SILENT: _AWAY_HINT,
    Answer.AWAY: _AWAY_HINT,
    Answer.NO_BUCKET: "create the bucket, or name another one with ATDM_STORE",
    Answer.FORBIDDEN: _CREDENTIALS_HINT,
    Answer.NO_CREDENTIALS: _CREDENTIALS_HINT,
    Answer.ELSEWHERE: "set ATDM_STORE_REGION to the region of the bucket",
}

_BY_CODE: Final = {
    "PreconditionFailed": Answer.EXISTS,
    "NoSuchKey": Answer.MISSING,
    "NoSuchBucket": Answer.NO_BUCKET,
    "AuthorizationHeaderMalformed": Answer.ELSEWHERE,
    "PermanentRedirect": Answer.ELSEWHERE,
    "ExpiredToken": Answer.FORBIDDEN,
    "NotImplemented": Answer.UNABLE,
    # Of status 400, and yet nothing is wrong with the request: its body came late, in part, or with a wrong byte.
    "RequestTimeout": Answer.BUSY,
    "IncompleteBody": Answer.BUSY,
    "BadDigest": Answer.BUSY,
}
_BY_STATUS: Final = {
    301: Answer.ELSEWHERE,
    401: Answer.FORBIDDEN,
    403: Answer.FORBIDDEN,
    404: Answer.MISSING,
    409: Answer.CONFLICT,
    412: Answer.EXISTS,
    429: Answer.BUSY,
    501: Answer.UNABLE,
}


def read_answer(error: Exception) -> Answer | None:
    """Return what *error* says of the store; None where it is an error of this machine or program."""
    response = _find_response(error)
    if response is None:
        return _read_failure(error)
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    fallback = Answer.BUSY if status >= 500 else Answer.REFUSED
    return _BY_CODE.get(code) or _BY_STATUS.get(status, fallback)


def make_error(answer: Answer, error: Exception, doing: str, place: str) -> AtdmError:
    """Return the error for *answer*. Of what the store wrote it has the code only: the text may name a key."""
    code = (_find_response(error) or {}).get("Error", {}).get("Code", "")
    message = f"{doing} in the store {place}: {answer.value}{f' ({code})' if code else ''}"
    if answer is Answer.UNABLE:
        return SettingError(message, hint="take a store that honours conditional writes (the header If-None-Match)")
    return StoreUnavailable(message, hint=_HINTS.get(answer, "look into the log of the store"))


def _find_response(error: BaseException | None) -> dict[str, Any] | None:
    """Return what the server answered; s3fs raises an error of Python's instead, with botocore's as its cause."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return response
        error = error.__cause__
    return None


def _read_failure(error: Exception) -> Answer | None:
    import aiohttp  # lazy: comes with s3fs, which is loaded by now
    from botocore import exceptions as botocore

    if isinstance(error, TimeoutError | botocore.ConnectTimeoutError | botocore.ReadTimeoutError):
        return Answer.SILENT
    if isinstance(error, ConnectionError | aiohttp.ClientError | botocore.ConnectionError | botocore.HTTPClientError):
        return Answer.AWAY
    if isinstance(error, botocore.NoCredentialsError | botocore.PartialCredentialsError):
        return Answer.NO_CREDENTIALS
    return Answer.REFUSED if isinstance(error, botocore.BotoCoreError) else None
