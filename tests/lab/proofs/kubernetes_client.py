"""Proves `kubernetes.py` with the `kubernetes` package of PyPI, before our target is held against it.

    KUBECONFIG=FILE python tests/lab/proofs/kubernetes_client.py NAMESPACE

The namespace is made and deleted. The exit code is 1 if any proof fails.
"""

import base64
import sys
import traceback

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient


class Lab:
    def __init__(self, namespace: str):
        self.namespace = namespace
        self.core = client.CoreV1Api()
        self.reviews = client.AuthorizationV1Api()
        self.dynamic = DynamicClient(client.ApiClient()).resources.get(api_version="v1", kind="Secret")

    def create(self, name: str, kind: str = "Opaque", **data: str) -> client.V1Secret:
        metadata = client.V1ObjectMeta(name=name)
        secret = client.V1Secret(metadata=metadata, type=kind, string_data=data)
        return self.core.create_namespaced_secret(self.namespace, secret)

    def apply(self, name: str, manager: str, force: bool = False, **data: str):
        coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": coded}
        return self.dynamic.server_side_apply(body=body, field_manager=manager, force_conflicts=force)

    def data(self, name: str) -> dict:
        return self.core.read_namespaced_secret(name, self.namespace).data

    def refused(self, status: int, reason: str, call, *arguments, **named) -> dict:
        """The answer of a call that must be refused so."""
        try:
            call(*arguments, **named)
        except ApiException as error:
            answer = yaml.safe_load(error.body)
            assert (error.status, answer["reason"]) == (status, reason), answer
            return answer
        raise AssertionError(f"not refused with {status} {reason}")


def prove_create_read_replace_delete(lab: Lab) -> None:
    made = lab.create("plain", user="octo")
    assert made.metadata.uid and made.metadata.creation_timestamp, made.metadata
    assert lab.data("plain") == {"user": "b2N0bw=="}
    lab.refused(409, "AlreadyExists", lab.create, "plain")
    stale = made.metadata.resource_version
    made.string_data = {"user": "hub"}
    made = lab.core.replace_namespaced_secret("plain", lab.namespace, made)
    made.metadata.resource_version = stale
    lab.refused(409, "Conflict", lab.core.replace_namespaced_secret, "plain", lab.namespace, made)
    gone = lab.core.delete_namespaced_secret("plain", lab.namespace)
    assert gone.status == "Success", gone
    lab.refused(404, "NotFound", lab.core.read_namespaced_secret, "plain", lab.namespace)


def prove_preconditions_of_delete(lab: Lab) -> None:
    made = lab.create("guarded").metadata
    for wrong in ({"uid": "other"}, {"resource_version": "1"}):
        options = client.V1DeleteOptions(preconditions=client.V1Preconditions(**wrong))
        call = lab.core.delete_namespaced_secret
        lab.refused(409, "Conflict", call, "guarded", lab.namespace, body=options)
    right = client.V1Preconditions(uid=made.uid, resource_version=made.resource_version)
    lab.core.delete_namespaced_secret("guarded", lab.namespace, body=client.V1DeleteOptions(preconditions=right))


def prove_server_side_apply(lab: Lab) -> None:
    first = lab.apply("applied", "one", a="1", b="1")
    again = lab.apply("applied", "one", a="1", b="1")
    assert first.metadata.resourceVersion == again.metadata.resourceVersion, "nothing changed, and it was written"
    answer = lab.refused(409, "Conflict", lab.apply, "applied", "two", a="2")
    assert answer["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}
    ], answer
    lab.apply("applied", "two", force=True, a="2", c="2")
    # `a` is the other's now, `b` goes with its only owner, and `c` was never ours.
    lab.apply("applied", "one")
    assert lab.data("applied").keys() == {"a", "c"}


def prove_updates_take_fields_over(lab: Lab) -> None:
    lab.apply("taken", "one", a="1", b="1")
    body = {"data": {"a": "Mg=="}}
    lab.core.patch_namespaced_secret("taken", lab.namespace, body, field_manager="hand")
    found = lab.core.read_namespaced_secret("taken", lab.namespace).metadata.managed_fields
    owned = {(entry.manager, entry.operation): entry.fields_v1 for entry in found}
    assert owned[("hand", "Update")] == {"f:data": {"f:a": {}}}, owned
    assert owned[("one", "Apply")] == {"f:data": {"f:b": {}}}, owned


def prove_guards_of_apply(lab: Lab) -> None:
    made = lab.create("versioned", a="1").metadata
    for wrong in ({"resourceVersion": "1"}, {"uid": made.uid}):
        absent = "uid" in wrong
        metadata = {"name": "absent" if absent else "versioned", "namespace": lab.namespace} | wrong
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
        lab.refused(409, "Conflict", lab.dynamic.server_side_apply, body=body, field_manager="one")


def prove_managed_fields_can_be_given(lab: Lab) -> None:
    """As client-go's csaupgrade does when `kubectl apply --server-side` takes over from `kubectl apply`."""
    lab.create("moved", a="1", b="1")
    found = lab.core.read_namespaced_secret("moved", lab.namespace).metadata
    entry = client.ApiClient().sanitize_for_serialization(found.managed_fields[0])
    moved = [entry | {"manager": "one", "operation": "Apply"}]
    body = {"metadata": {"managedFields": moved, "resourceVersion": found.resource_version}}
    lab.core.patch_namespaced_secret("moved", lab.namespace, body)
    lab.apply("moved", "one", a="1")
    assert lab.data("moved").keys() == {"a"}


def prove_typed_secrets(lab: Lab) -> None:
    answer = lab.refused(422, "Invalid", lab.create, "typed", "kubernetes.io/tls", **{"tls.crt": "x"})
    causes = [(cause["reason"], cause["field"]) for cause in answer["details"]["causes"]]
    assert causes == [("FieldValueRequired", "data[tls.key]")], causes
    lab.refused(422, "Invalid", lab.create, "typed", "kubernetes.io/basic-auth")
    lab.refused(422, "Invalid", lab.create, "typed", "kubernetes.io/dockerconfigjson", **{".dockerconfigjson": "{"})
    lab.create("typed", "kubernetes.io/basic-auth", username="u")
    body = {"type": "Opaque"}
    lab.refused(422, "Invalid", lab.core.patch_namespaced_secret, "typed", lab.namespace, body)


def prove_limits_and_names(lab: Lab) -> None:
    lab.refused(422, "Invalid", lab.create, "Upper")
    lab.refused(422, "Invalid", lab.create, "keys", **{"a/b": "x"})
    lab.create("full", a="x" * (1 << 20))
    lab.refused(422, "Invalid", lab.create, "fuller", a="x" * (1 << 20), b="x")
    lab.refused(413, "RequestEntityTooLarge", lab.create, "huge", a="x" * (4 << 20))


def prove_schema(lab: Lab) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "dta": {}}
    lab.refused(400, "BadRequest", lab.core.create_namespaced_secret, lab.namespace, body)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "odd"}, "data": {"a": 1}}
    lab.refused(400, "BadRequest", lab.core.create_namespaced_secret, lab.namespace, body)


def prove_dry_run(lab: Lab) -> None:
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="dry"))
    lab.core.create_namespaced_secret(lab.namespace, secret, dry_run="All")
    lab.refused(404, "NotFound", lab.core.read_namespaced_secret, "dry", lab.namespace)


def prove_lists(lab: Lab) -> None:
    for name, team in (("listed-a", "red"), ("listed-b", "blue")):
        metadata = client.V1ObjectMeta(name=name, labels={"team": team})
        lab.core.create_namespaced_secret(lab.namespace, client.V1Secret(metadata=metadata))
    for selector, expected in (("team=red", ["listed-a"]), ("team!=red,team", ["listed-b"])):
        found = lab.core.list_namespaced_secret(lab.namespace, label_selector=selector).items
        assert [each.metadata.name for each in found] == expected, found
    found = lab.core.list_secret_for_all_namespaces(field_selector="metadata.name=listed-a").items
    assert [each.metadata.name for each in found] == ["listed-a"], found


def prove_finalizers_hold(lab: Lab) -> None:
    metadata = client.V1ObjectMeta(name="held", finalizers=["example.test/hold"])
    lab.core.create_namespaced_secret(lab.namespace, client.V1Secret(metadata=metadata))
    lab.core.delete_namespaced_secret("held", lab.namespace)
    assert lab.core.read_namespaced_secret("held", lab.namespace).metadata.deletion_timestamp
    lab.core.patch_namespaced_secret("held", lab.namespace, {"metadata": {"finalizers": None}})
    lab.refused(404, "NotFound", lab.core.read_namespaced_secret, "held", lab.namespace)


def prove_namespaces_must_exist(lab: Lab) -> None:
    secret = client.V1Secret(metadata=client.V1ObjectMeta(name="lost"))
    answer = lab.refused(404, "NotFound", lab.core.create_namespaced_secret, f"{lab.namespace}-not", secret)
    assert answer["details"]["kind"] == "namespaces", answer


def prove_access_review(lab: Lab) -> None:
    about = client.V1ResourceAttributes(verb="create", resource="secrets")
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=about)
    answer = lab.reviews.create_self_subject_access_review(client.V1SelfSubjectAccessReview(spec=spec))
    assert answer.status.allowed is True


def prove_sign_in(lab: Lab) -> None:
    nobody = client.Configuration.get_default_copy()
    nobody.api_key = {"authorization": "Bearer nobody"}
    nobody.refresh_api_key_hook = None
    with client.ApiClient(nobody) as stranger:
        call = client.CoreV1Api(stranger).read_namespaced_secret
        lab.refused(401, "Unauthorized", call, "plain", lab.namespace)


def main() -> int:
    config.load_kube_config()
    lab = Lab(sys.argv[1])
    metadata = client.V1ObjectMeta(name=lab.namespace)
    lab.core.create_namespace(client.V1Namespace(metadata=metadata))
    proofs = [(name, proof) for name, proof in globals().items() if name.startswith("prove_")]
    failed = 0
    for name, proof in proofs:
        try:
            proof(lab)
            print(f"ok     {name}")
        except Exception:
            failed += 1
            print(f"FAILED {name}")
            traceback.print_exc(file=sys.stdout)
    lab.core.delete_namespace(lab.namespace)
    print(f"{len(proofs) - failed} of {len(proofs)} proofs hold")
    return 1 if failed or not proofs else 0


if __name__ == "__main__":
    sys.exit(main())
