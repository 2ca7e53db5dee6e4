"""A change of verdict leaves the house: a signed webhook, and a metric for whoever scrapes files."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from evenscreen.pipeline.audit.result import EXIT_CODES, Audit
from evenscreen.schemas.errors import Fatal, Transient

SIGNATURE = "X-Evenscreen-Signature"
TIMEOUT_S = 10.0


def body(found: Audit, before: str | None) -> bytes:
    """What is told: names of model and plan, conclusions and times; no figure, nobody's data."""
    subject = found.subject
    told = {
        "model_version": subject.model_version,
        "plan": subject.plan.name,
        "plan_version": subject.plan_version,
        "as_of": subject.as_of.isoformat(),
        "conclusion": found.conclusion,
        "before": before,
    }
    return json.dumps(told, sort_keys=True).encode()


def signature(content: bytes, secret: str) -> str:
    """HMAC-SHA256 of the body, as the receiver computes it: `sha256=` and hexadecimal digits."""
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def send(url: str, secret: str, content: bytes) -> None:
    """POST `content` to `url`, signed; on return the receiver has taken it.

    Raises Fatal when the address is no https:// (or http:// on this machine) or there is no secret, and
    Transient when nobody takes it.
    """
    loopback = url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    if not (url.startswith("https://") or loopback):
        raise Fatal("EVENSCREEN_AUDIT_WEBHOOK is an https:// address.")
    if not secret:
        raise Fatal("EVENSCREEN_AUDIT_WEBHOOK_SECRET signs what is sent: set it, or unset the address.")
    headers = {"Content-Type": "application/json", SIGNATURE: signature(content, secret)}
    request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - checked above
            pass
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise Transient("webhook", str(refusal.code)) from None
    except OSError as problem:
        raise Transient("webhook", type(problem).__name__) from None


def write_metric(path: Path, found: Audit) -> None:
    """Write the conclusion for a textfile collector, 1 at the one that holds: whole or not at all."""
    registry = CollectorRegistry()
    gauge = Gauge(
        "evenscreen_audit_conclusion",
        "Conclusion of the last nightly audit: 1 at the one that holds.",
        ("model_version", "conclusion"),
        registry=registry,
    )
    for conclusion in EXIT_CODES:
        gauge.labels(found.subject.model_version, conclusion).set(conclusion == found.conclusion)
    try:
        write_to_textfile(str(path), registry)
    except OSError as problem:
        raise Fatal(f"The metrics file cannot be written ({type(problem).__name__}).") from None
