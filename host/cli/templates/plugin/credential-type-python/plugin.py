"""A user name and a password for {{title}}.

Least privilege: say here which account to use, and what it needs not have.

Formats: <https://www.rfc-editor.org/rfc/rfc7617>
"""

from bursar import Inspection, Violations, env_artifact, login_artifacts


def inspect(data, context):
    """Without the secrets: normalise, derive attributes, name what it is found by."""
    username = data["username"].lower()
    is_clean = not any(ord(it) < 32 or ord(it) == 127 for it in username)
    Violations().require(is_clean, "/username", "invalid", "Paste the user name without line breaks.").finish()
    return Inspection({"username": username}, attributes={"username": username})


def check(data, context):
    """With them: codes from the manifest's `messages`, nothing else gets out."""
    is_bare = data["password"].strip() == data["password"]
    Violations().require(is_bare, "/password", "spaces", "Paste the password alone.").finish()


def materialize(data, format, context):
    username, password = data["username"], data["password"]
    match format:
        case "login":
            return login_artifacts(username, password)
        case "env":
            variables = [("{{variable}}_USERNAME", "/username", username), ("{{variable}}_PASSWORD", "/password", password)]
            return [env_artifact(variables)]
