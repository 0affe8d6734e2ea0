"""Refusals in the API's own shape, `metav1.Status`: reasons, texts and details as apimachinery's `api/errors` makes them."""


class Refused(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, code: int, reason: str, message: str, details: dict | None = None, headers: dict | None = None):
        super().__init__(message)
        self.code = code
        self.headers = headers or {}
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        if details:
            self.body["details"] = details


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized", "Unauthorized")


def forbidden(resource: str, name: str, text: str, causes: list[dict] | None = None) -> Refused:
    details = {"name": name, "kind": resource}
    if causes:
        details["causes"] = causes
    subject = f'{resource} "{name}"' if name else resource
    return Refused(403, "Forbidden", f"{subject} is forbidden: {text}", details)


def not_found(resource: str, name: str) -> Refused:
    return Refused(404, "NotFound", f'{resource} "{name}" not found', {"name": name, "kind": resource})


def no_such_path() -> Refused:
    return Refused(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: str, name: str) -> Refused:
    return Refused(409, "AlreadyExists", f'{resource} "{name}" already exists', {"name": name, "kind": resource})


def conflict(resource: str, name: str, text: str) -> Refused:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {text}'
    return Refused(409, "Conflict", message, {"name": name, "kind": resource})


def modified(resource: str, name: str) -> Refused:
    return conflict(
        resource, name, "the object has been modified; please apply your changes to the latest version and try again"
    )


def apply_conflict(conflicts: list[tuple[str, str]]) -> Refused:
    """`conflicts` are pairs of a manager, as the API words it, and a field."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, field in conflicts
    ]
    listed = "\n".join(f"conflict with {manager}: {field}" for manager, field in conflicts)
    word = "conflict" if len(conflicts) == 1 else "conflicts"
    return Refused(409, "Conflict", f"Apply failed with {len(conflicts)} {word}: {listed}", {"causes": causes})


def invalid(kind: str, name: str, causes: list[dict]) -> Refused:
    listed = [f"{cause['field']}: {cause['message']}" for cause in causes]
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    details = {"name": name, "kind": kind, "causes": causes}
    return Refused(422, "Invalid", f'{kind} "{name}" is invalid: {text}', details)


def bad_request(text: str) -> Refused:
    return Refused(400, "BadRequest", text)


def unsupported_media_type(text: str) -> Refused:
    return Refused(415, "UnsupportedMediaType", text)


def method_not_allowed() -> Refused:
    return Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def too_large(limit: int) -> Refused:
    return Refused(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")
