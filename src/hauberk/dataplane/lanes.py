"""The way to one URL: one event per request, or several together where the receiver takes batches.

A receiver says that it takes batches by the header `Accept-Post: application/cloudevents-batch+json`. Then,
while a request is under way, further events wait until it ends, at most LINGER_S, and travel together. So
nothing waits when there is no load, and a slow answer never holds back more than that.

The answer to a batch is 207 with a JSON array of one `Answer` per event, in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from urllib.parse import urlsplit

import msgspec

from hauberk.dataplane.client import Client, NoAnswer
from hauberk.dataplane.messages import Answer, HeaderList
from hauberk.events.delivery import NO_ANSWER
from hauberk.events.event import BATCH, Event, to_batch, to_binary, to_structured

ACCEPT_POST = ("accept-post", BATCH)
TIMEOUT_HEADER = "hauberk-timeout"
HOP_HEADER = "hauberk-hop"  # of an answer: a component of the data plane did not answer, not a subscriber
HEADERS_ATTRIBUTE = "hauberkheaders"  # in a batch: the headers of one event, `name: value` lines
LINGER_S = 0.004
_LARGEST = 64  # events in a batch
_HEAVIEST = 512 * 1024  # bytes of data in a batch
_SLACK_S = 2.0  # what a batch may take longer than its slowest event
_GATEWAY = frozenset((502, 503, 504))  # what a proxy says in place of a component that is gone
_PASSED = frozenset(("x-request-id",))
_PASSED_PREFIXES = ("knative-", "k-eventing-")

OUTCOMES = msgspec.json.Decoder(list[Answer])


def passed_on(headers: dict[str, str]) -> list[tuple[str, str]]:
    """The headers of a received event that go on with it.

    Source: knative/eventing pkg/utils/headers.go, PassThroughHeaders.
    """
    return [
        (name, value)
        for name, value in headers.items()
        if name in _PASSED or (name[0] == "k" and name.startswith(_PASSED_PREFIXES))
    ]


class Waiting(msgspec.Struct):
    """An event that waits for company."""

    event: Event
    headers: HeaderList
    answer: asyncio.Future[Answer]


class Lane:
    """All that goes to one URL with one time limit."""

    def __init__(
        self,
        client: Client,
        tasks: asyncio.TaskGroup,
        url: str,
        *,
        ca: str = "",
        timeout_s: float | None = None,
    ) -> None:
        self._client, self._tasks = client, tasks
        self.url, self.ca, self.timeout_s = url, ca, timeout_s
        self._inner = is_inner(url)
        self._batches = False
        self._under_way = 0
        self._waiting: deque[Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def send(self, event: Event, headers: HeaderList, *, structured: bool = False) -> Answer:
        """Send one event; the answer for it. Status `NO_ANSWER` when there was none, its body says why."""
        if structured or not self._batches or (not self._under_way and not self._waiting):
            self._under_way += 1
            try:
                return await self._single(event, headers, structured)
            finally:
                self._ended()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(Waiting(event, headers, answer))
        if len(self._waiting) >= _LARGEST:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(LINGER_S, self._flush)
        return await answer

    def _ended(self) -> None:
        self._under_way -= 1
        if self._waiting and not self._under_way:
            self._flush()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            batch: list[Waiting] = []
            weight = 0
            while self._waiting and len(batch) < _LARGEST and weight < _HEAVIEST:
                waiting = self._waiting.popleft()
                if not waiting.answer.done():
                    batch.append(waiting)
                    weight += len(waiting.event.data)
            if batch:
                self._under_way += 1
                self._tasks.create_task(self._together(batch))

    async def _together(self, batch: list[Waiting]) -> None:
        try:
            if len(batch) == 1:
                answers = [await self._single(batch[0].event, batch[0].headers, False)]
            else:
                answers = await self._batch(batch)
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)
        finally:
            for waiting in batch:
                waiting.answer.cancel()
            self._ended()

    async def _single(self, event: Event, headers: HeaderList, structured: bool) -> Answer:
        head, body = to_structured(event) if structured else to_binary(event)
        answer = await self._post([*head, *headers], body, self.timeout_s)
        if ACCEPT_POST[0] in answer.headers and BATCH in answer.headers[ACCEPT_POST[0]]:
            self._batches = self._inner = True
        return answer

    async def _batch(self, batch: list[Waiting]) -> list[Answer]:
        head, body = to_batch([_with_headers(w.event, w.headers) for w in batch])
        limit = None if self.timeout_s is None else self.timeout_s + _SLACK_S
        if self.timeout_s is not None:
            head.append((TIMEOUT_HEADER, f"{self.timeout_s:g}"))
        answer = await self._post(head, body, limit)
        if answer.status == 207:
            try:
                answers = OUTCOMES.decode(answer.body)
            except msgspec.MsgspecError:
                answers = []
            if len(answers) == len(batch):
                return answers
            answer = Answer(NO_ANSWER, {}, b"the answer to a batch does not name every event")
        elif answer.status in (400, 415):
            self._batches = False  # a receiver of another kind stands there now
            answer = Answer(NO_ANSWER, {}, answer.body)
        return [answer] * len(batch)

    async def _post(self, headers: HeaderList, body: bytes, timeout_s: float | None) -> Answer:
        try:
            answer = await self._client.post(self.url, headers, body, timeout_s=timeout_s, ca=self.ca)
        except (NoAnswer, ValueError) as error:
            return Answer(NO_ANSWER, {HOP_HEADER: "1"} if self._inner else {}, str(error).encode())
        if self._inner and answer.status in _GATEWAY and ACCEPT_POST[0] not in answer.headers:
            return Answer(answer.status, {**answer.headers, HOP_HEADER: "1"}, answer.body)
        return answer


def is_inner(url: str) -> bool:
    """Whether a component of the data plane itself stands at a URL: broker-filter."""
    parts = urlsplit(url)
    return (parts.hostname or "").startswith("broker-filter.") and parts.path.startswith("/triggers/")


def _with_headers(event: Event, headers: HeaderList) -> Event:
    if not headers:
        return event
    text = "\n".join(f"{name}: {value}" for name, value in headers)
    return Event({**event.attributes, HEADERS_ATTRIBUTE: text}, event.data)


def take_headers(event: Event) -> dict[str, str]:
    """The headers that travelled inside of an event of a batch; they are removed from it."""
    text = event.attributes.pop(HEADERS_ATTRIBUTE, "")
    if not text:
        return {}
    return {name: value for name, _, value in (line.partition(": ") for line in text.split("\n"))}


def outcomes(answers: list[Answer]) -> Answer:
    """The answer to a batch."""
    body = msgspec.json.encode(answers)
    return Answer(207, {"content-type": "application/json", ACCEPT_POST[0]: ACCEPT_POST[1]}, body)
