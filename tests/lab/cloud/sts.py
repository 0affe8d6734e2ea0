"""AWS STS: AssumeRole, done by moto. The keys it issues are good at Route 53 from then on.

moto asks for no role to exist and checks no signature; both are done here before it is asked.
"""

import asyncio
import secrets
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import aiohttp

from fake.exchange import Refused, Request, Response
from fake.faults import Rule
from fake.service import Service

from .aws_description import Description, NotDescribed
from .sigv4 import Denied, Key, verify

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
REGIONAL = {f"sts.{region}.amazonaws.com": region for region in ("us-east-1", "eu-central-1")}


class Sts(Service):
    name = "sts"
    hosts = ("sts.amazonaws.com", *REGIONAL)
    shapes = ("throttling", "rate-limited", "server-error")

    def __init__(self, zones, journal, faults, keys: dict[str, Key], credentials: dict):
        super().__init__(zones, journal, faults)
        self.keys = keys
        self.credentials = credentials
        self.description = Description("sts")
        self.moto: str | None = None

    async def handle(self, request: Request) -> Response:
        region = REGIONAL.get(request.host, "us-east-1")
        try:
            verify(request, self.keys, "sts", region)
            if (request.method, request.raw_path) != ("POST", "/"):
                raise NotDescribed(f"STS is asked by POST /, not {request.method} {request.raw_path}")
            operation, given = self.description.query(request)
        except Denied as denied:
            raise failed(denied.code, denied.message, 403) from denied
        except NotDescribed as error:
            self.violation(request, str(error))
            raise failed("ValidationError", str(error), 400) from error
        if operation.name == "AssumeRole":
            self.authorize(given)
        elif operation.name != "GetCallerIdentity":
            self.violation(request, f"{operation.name} is not for a DNS-01 provider")
            raise failed("AccessDenied", f"User is not authorized to perform: sts:{operation.name}", 403)
        answer = await self.ask_moto(request)
        if operation.name == "AssumeRole" and answer.status == 200:
            self.learn(answer.body)
        return answer

    def fault(self, rule: Rule, request: Request) -> Response:
        if rule.kind == "throttling":
            return failed("Throttling", "Rate exceeded", 400).response
        if rule.kind == "rate-limited":
            refused = failed("Throttling", "Rate exceeded", 429).response
            refused.headers["Retry-After"] = str(rule.retry_after)
            return refused
        if rule.kind == "server-error":
            return failed("InternalFailure", "An internal error occurred.", rule.status, "Receiver").response
        raise AssertionError(rule.kind)

    def authorize(self, given: dict) -> None:
        """The one role there is, with its external id."""
        role, external = self.credentials["role_arn"], self.credentials["external_id"]
        if given["RoleArn"] != role or given.get("ExternalId", external) != external:
            message = f"User is not authorized to perform: sts:AssumeRole on resource: {given['RoleArn']}"
            raise failed("AccessDenied", message, 403)

    async def ask_moto(self, request: Request) -> Response:
        if self.moto is None:
            self.moto = await asyncio.to_thread(start_moto)
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type", "X-Amz-Date")
            if name in request.headers
        }
        async with aiohttp.ClientSession() as session:
            async with session.post(self.moto, data=request.body, headers=headers) as answer:
                return Response(answer.status, await answer.read(), {"Content-Type": "text/xml"})

    def learn(self, body: bytes) -> None:
        found = {item.tag.rpartition("}")[2]: item.text for item in ElementTree.fromstring(body).iter()}
        key = Key(found["AccessKeyId"], found["SecretAccessKey"], ("route53", "sts"), found["SessionToken"])
        self.keys[key.id] = key


def start_moto() -> str:
    """moto's server on a free loopback port, in a thread of this process; its import takes seconds, so only now."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}/"


def failed(code: str, message: str, status: int, kind: str = "Sender") -> Refused:
    error = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    text = f'<ErrorResponse xmlns="{NAMESPACE}">{error}<RequestId>{secrets.token_hex(16)}</RequestId></ErrorResponse>'
    return Refused(Response.xml(status, text))
