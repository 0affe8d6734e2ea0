"""Requests and responses by botocore's service descriptions (`service-2.json` of route53 and sts).

Nothing about an operation is written down here: method, path, query names, XML elements, types and limits are read from
the description, for what comes in as for what goes out.
"""

import re
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from fake.exchange import Request


class NotDescribed(ValueError):
    """A request that the description does not know."""


class Description:
    def __init__(self, service: str):
        self.model = botocore.session.get_session().get_service_model(service)
        self.namespace = self.model.metadata.get("xmlNamespace")

    def rest(self, request: Request) -> tuple[OperationModel, dict]:
        """The operation of a REST request, with its parameters."""
        for name in self.model.operation_names:
            operation = self.model.operation_model(name)
            template, *_ = operation.http["requestUri"].partition("?")
            pattern = "".join(
                part if part[0] != "{" else f"(?P<{part[1:-1].rstrip('+')}>[^/]+)"
                for part in re.findall(r"\{[^}]+\}|[^{]+", template)
            )
            found = re.fullmatch(pattern, request.raw_path)
            if found and operation.http["method"] == request.method:
                return operation, self._rest_parameters(operation, request, found.groupdict())
        raise NotDescribed(f"no operation is {request.method} {request.raw_path}")

    def query(self, request: Request) -> tuple[OperationModel, dict]:
        """The operation of a request in the query protocol: a form, flat for what is used here."""
        form = dict(request.form)
        name, version = form.pop("Action", None), form.pop("Version", None)
        if name not in self.model.operation_names:
            raise NotDescribed(f"Action: {name!r} is none of {self.model.service_name}'s")
        if version != self.model.api_version:
            raise NotDescribed(f"Version: {version!r} is not {self.model.api_version}")
        operation = self.model.operation_model(name)
        members = operation.input_shape.members
        unknown = sorted(set(form) - set(members))
        if unknown:
            raise NotDescribed(f"{name} takes no {', '.join(unknown)}")
        given = {member: typed(members[member], value, member) for member, value in form.items()}
        return operation, validated(operation, given)

    def _rest_parameters(self, operation: OperationModel, request: Request, path: dict) -> dict:
        given, query = {}, dict(request.query)
        if len(query) != len(request.query):
            raise NotDescribed("a query parameter is there twice")
        for member, shape in operation.input_shape.members.items():
            place, name = shape.serialization.get("location"), shape.serialization.get("name", member)
            if place == "uri":
                given[member] = unquote(path[name])
            elif place == "querystring" and name in query:
                given[member] = typed(shape, query.pop(name), name)
        if query:
            raise NotDescribed(f"{operation.name} takes no query {', '.join(sorted(query))}")
        if request.body:
            given |= self._xml_body(operation, request.body)
        return validated(operation, given)

    def _xml_body(self, operation: OperationModel, body: bytes) -> dict:
        if operation.http["method"] == "GET":
            raise NotDescribed(f"{operation.name} takes no body")
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            raise NotDescribed(f"the body is not XML: {error}") from error
        outer = operation.input_shape.serialization
        namespace = outer.get("xmlNamespace", {}).get("uri", "")
        if root.tag != f"{{{namespace}}}{outer.get('name')}":
            raise NotDescribed(f"the body's element is {root.tag}, not {outer.get('name')} in {namespace}")
        members = {
            name: shape
            for name, shape in operation.input_shape.members.items()
            if "location" not in shape.serialization
        }
        return structure(root, members, namespace)


def structure(element: ElementTree.Element, members: dict[str, Shape], namespace: str) -> dict:
    """The members of a structure, in any order; an element that is not described is an error."""
    by_name = {shape.serialization.get("name", name): (name, shape) for name, shape in members.items()}
    given: dict = {}
    for child in element:
        local = child.tag.removeprefix(f"{{{namespace}}}")
        if local not in by_name:
            raise NotDescribed(f"{element.tag.rpartition('}')[2]} has no element {local}")
        member, shape = by_name[local]
        if member in given:
            raise NotDescribed(f"the element {local} is there twice")
        given[member] = value(child, shape, namespace)
    return given


def value(element: ElementTree.Element, shape: Shape, namespace: str) -> object:
    if isinstance(shape, StructureShape):
        return structure(element, shape.members, namespace)
    if isinstance(shape, ListShape):
        item = shape.member.serialization.get("name", "member")
        strange = [child.tag for child in element if child.tag != f"{{{namespace}}}{item}"]
        if strange:
            raise NotDescribed(f"a list of {item} has {strange[0]}")
        return [value(child, shape.member, namespace) for child in element]
    return typed(shape, element.text or "", shape.name)


def typed(shape: Shape, text: str, name: str) -> object:
    if shape.type_name in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", text):
            raise NotDescribed(f"{name}: {text!r} is not a whole number")
        return int(text)
    if shape.type_name == "boolean":
        if text not in ("true", "false"):
            raise NotDescribed(f"{name}: {text!r} is neither true nor false")
        return text == "true"
    if shape.type_name == "string" and getattr(shape, "enum", None) and text not in shape.enum:
        raise NotDescribed(f"{name}: {text!r} is none of {', '.join(shape.enum[:8])}")
    return text


def validated(operation: OperationModel, given: dict) -> dict:
    """With what is required there and everything in its limits, by botocore's own validator."""
    report = ParamValidator().validate(given, operation.input_shape)
    if report.has_errors():
        raise NotDescribed(report.generate_report())
    return given


def rendered(operation: OperationModel, answer: dict, namespace: str) -> str:
    """The XML of a response by its shape. A member that the shape does not have is a mistake of ours."""
    shape = operation.output_shape
    return f'<{shape.name} xmlns="{namespace}">{inside(shape, answer)}</{shape.name}>'


def inside(shape: Shape, given: object) -> str:
    if isinstance(shape, StructureShape):
        strange = set(given) - set(shape.members)
        if strange:
            raise AssertionError(f"{shape.name} has no {strange}")
        return "".join(
            element(member.serialization.get("name", name), inside(member, given[name]))
            for name, member in shape.members.items()
            if given.get(name) is not None
        )
    if isinstance(shape, ListShape):
        item = shape.member.serialization.get("name", "member")
        return "".join(element(item, inside(shape.member, each)) for each in given)
    if isinstance(given, bool):
        return "true" if given else "false"
    return escape(str(given))


def element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"
