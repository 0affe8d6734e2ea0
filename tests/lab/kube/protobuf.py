"""The protobuf form of the few objects that kubectl sends in it, as JSON.

The messages are those of `generated.proto` in `k8s.io/api` and apimachinery, as far as a create has them; an object comes
in a `runtime.Unknown` after four magic bytes.
https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

import base64

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from .status import bad_request, unsupported_media_type

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
PACKAGE = "lab.kubernetes"

# Field numbers; a dict is a map to texts, or to bytes.
MESSAGES = {
    "TypeMeta": {"apiVersion": 1, "kind": 2},
    "Unknown": {"typeMeta": (1, "TypeMeta"), "raw": (2, bytes)},
    "TextEntry": {"key": 1, "value": 2},
    "BytesEntry": {"key": 1, "value": (2, bytes)},
    "ObjectMeta": {
        "name": 1,
        "generateName": 2,
        "namespace": 3,
        "uid": 5,
        "resourceVersion": 6,
        "labels": (11, ["TextEntry"]),
        "annotations": (12, ["TextEntry"]),
        "finalizers": (14, [str]),
    },
    "Secret": {
        "metadata": (1, "ObjectMeta"),
        "data": (2, ["BytesEntry"]),
        "type": 3,
        "stringData": (4, ["TextEntry"]),
        "immutable": (5, bool),
    },
    "Namespace": {"metadata": (1, "ObjectMeta")},
    "ResourceAttributes": {"namespace": 1, "verb": 2, "group": 3, "version": 4, "resource": 5, "name": 7},
    "ReviewSpec": {"resourceAttributes": (1, "ResourceAttributes")},
    "SelfSubjectAccessReview": {"metadata": (1, "ObjectMeta"), "spec": (2, "ReviewSpec")},
}
OBJECTS = ("Secret", "Namespace", "SelfSubjectAccessReview")


def decoded(body: bytes) -> dict:
    """The object in `body`; refused where it is none of those known here."""
    if not body.startswith(MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message")
    try:
        outer = CLASSES["Unknown"].FromString(body[len(MAGIC) :])
        kind = outer.typeMeta.kind
        if kind not in OBJECTS:
            raise unsupported_media_type(f"{MEDIA_TYPE} of a {kind} is not known here")
        inner = as_json(CLASSES[kind].FromString(outer.raw))
    except message.DecodeError:
        raise bad_request("provided data is not a protobuf message") from None
    return {"apiVersion": outer.typeMeta.apiVersion, "kind": kind} | inner


def as_json(value: message.Message) -> dict:
    result: dict = {}
    for field, inner in value.ListFields():
        shape = MESSAGES[value.DESCRIPTOR.name][field.name]
        kind = shape[1] if isinstance(shape, tuple) else str
        if kind == ["TextEntry"]:
            result[field.name] = {entry.key: entry.value for entry in inner}
        elif kind == ["BytesEntry"]:
            result[field.name] = {entry.key: base64.b64encode(entry.value).decode() for entry in inner}
        elif kind == [str]:
            result[field.name] = list(inner)
        elif isinstance(kind, str):
            result[field.name] = as_json(inner)
        elif inner != "":
            result[field.name] = inner
    return result


def classes() -> dict[str, type[message.Message]]:
    file = descriptor_pb2.FileDescriptorProto(name="lab/kubernetes.proto", package=PACKAGE, syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    scalars = {str: kinds.TYPE_STRING, bytes: kinds.TYPE_BYTES, bool: kinds.TYPE_BOOL}
    for name, fields in MESSAGES.items():
        made = file.message_type.add(name=name)
        for field, shape in fields.items():
            number, kind = shape if isinstance(shape, tuple) else (shape, str)
            repeated = isinstance(kind, list)
            kind = kind[0] if repeated else kind
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            added = made.field.add(name=field, number=number, label=label)
            if kind in scalars:
                added.type = scalars[kind]
            else:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES
    }


CLASSES = classes()
