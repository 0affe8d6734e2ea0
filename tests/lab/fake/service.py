"""What a service is to the server: a name, the hosts it answers for, and how it is asked."""

import abc

from .exchange import Refused, Request, Response
from .faults import Faults, Rule
from .journal import Journal
from .zones import Zones


class Service(abc.ABC):
    name: str
    # What it answers for.
    hosts: tuple[str, ...]
    # The kinds of fault that it answers in a shape of its own.
    shapes: tuple[str, ...]

    def __init__(self, zones: Zones, journal: Journal, faults: Faults):
        self.zones = zones
        self.journal = journal
        self.faults = faults

    @abc.abstractmethod
    async def handle(self, request: Request) -> Response:
        """Authenticates, checks and does it; may raise `Refused`."""

    @abc.abstractmethod
    def fault(self, rule: Rule, request: Request) -> Response:
        """The service's answer for a fault of one of its `shapes`."""

    async def answer(self, request: Request) -> Response:
        try:
            return await self.handle(request)
        except Refused as refused:
            return refused.response

    def violation(self, request: Request, *texts: str) -> None:
        for text in texts:
            self.journal.violation(self.name, request, text)
