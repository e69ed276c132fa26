"""Checks objects against the Kubernetes schemas, strictly: unknown fields and wrong values are both found.

tests/manifests/kubernetes-1.32.json has what the kinds that we use are made of. It does not list the values that texts
may have, nor what refers to what; those that manifests use are here.
"""

import json
import pathlib
import re

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[1] / "manifests" / "kubernetes-1.32.json").read_text())
# Where a text is one of a few.
VALUES = {
    ("ContainerPort", "protocol"): {"TCP", "UDP", "SCTP"},
    ("ServicePort", "protocol"): {"TCP", "UDP", "SCTP"},
    ("NetworkPolicyPort", "protocol"): {"TCP", "UDP", "SCTP"},
    ("Container", "imagePullPolicy"): {"Always", "IfNotPresent", "Never"},
    ("StatefulSetSpec", "podManagementPolicy"): {"Parallel", "OrderedReady"},
    ("TopologySpreadConstraint", "whenUnsatisfiable"): {"ScheduleAnyway", "DoNotSchedule"},
    ("SeccompProfile", "type"): {"RuntimeDefault", "Localhost", "Unconfined"},
    ("PodSecurityContext", "fsGroupChangePolicy"): {"OnRootMismatch", "Always"},
    ("JobSpec", "completionMode"): {"Indexed", "NonIndexed"},
    ("PodFailurePolicyRule", "action"): {"FailJob", "FailIndex", "Ignore", "Count"},
    ("PodFailurePolicyOnExitCodesRequirement", "operator"): {"In", "NotIn"},
    ("PodSpec", "restartPolicy"): {"Always", "OnFailure", "Never"},
    ("PodDisruptionBudgetSpec", "unhealthyPodEvictionPolicy"): {"AlwaysAllow", "IfHealthyBudget"},
}
TYPES = {"string": str, "object": dict, "array": list, "boolean": bool, "integer": int, "number": (int, float)}
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def faults(thing):
    """What is wrong with an object of a kind that the schema has, a line each."""
    name = SCHEMA["kinds"].get(thing.get("kind"))
    if name is None:
        return [f"kind {thing.get('kind')}: not in the schema"]
    found = _definition(thing, name, thing["kind"])
    if not NAME.fullmatch(thing.get("metadata", {}).get("name", "")):
        found.append(f"{thing['kind']}.metadata.name: no name")
    return found


def _definition(value, name, path):
    if name == "Quantity":
        return [] if QUANTITY.fullmatch(str(value)) else [f"{path}: {value!r} is no quantity"]
    found = _schema(value, SCHEMA["definitions"][name], path)
    if isinstance(value, dict):
        for key, text in value.items():
            allowed = VALUES.get((name, key))
            if allowed and text not in allowed:
                found.append(f"{path}.{key}: {text!r} is none of {sorted(allowed)}")
    return found


def _schema(value, schema, path):
    if "$ref" in schema:
        return _definition(value, schema["$ref"], path)
    if "oneOf" in schema:
        if any(not _schema(value, choice, path) for choice in schema["oneOf"]):
            return []
        return [f"{path}: {value!r} fits nothing of {schema['oneOf']}"]
    wanted = schema.get("type")
    if wanted and (not isinstance(value, TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean")):
        return [f"{path}: {value!r} is no {wanted}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    found = []
    if isinstance(value, dict):
        found += [f"{path}: {key} is missing" for key in schema.get("required", []) if key not in value]
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", not properties)
        for key, item in value.items():
            if key in properties:
                found += _schema(item, properties[key], f"{path}.{key}")
            elif isinstance(others, dict):
                found += _schema(item, others, f"{path}.{key}")
            elif not others:
                found.append(f"{path}.{key}: unknown field")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            found += _schema(item, schema["items"], f"{path}[{index}]")
    return found
