"""A change of verdict leaves the house: a signed webhook, and a metric for whoever scrapes files."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from evenscreen.pipeline.audit.result import EXIT_CODES, Audit, Subject
from evenscreen.schemas import metrics
from evenscreen.schemas.errors import Fatal, Transient

SIGNATURE = "X-Evenscreen-Signature"
TIMEOUT_S = 10.0
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Change(NamedTuple):
    """A night whose conclusion is not the one that was told last; `before` is None when none ever was."""

    as_of: datetime
    conclusion: str
    before: str | None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Followed, a redirect becomes a GET without the body, to wherever: that is not taken."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def body(subject: Subject, change: Change) -> bytes:
    """What is told: names of model and plan, conclusions and times; no figure, nobody's data."""
    told = {
        "model_version": subject.model_version,
        "plan": subject.plan.name,
        "plan_version": subject.plan_version,
        "as_of": change.as_of.isoformat(),
        "conclusion": change.conclusion,
        "before": change.before,
    }
    return json.dumps(told, sort_keys=True).encode()


def signature(content: bytes, secret: str) -> str:
    """HMAC-SHA256 of the body, as the receiver computes it: `sha256=` and hexadecimal digits."""
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def check_address(url: str, secret: str) -> None:
    """Raises Fatal unless what is sent to `url` is signed, and encrypted where it leaves this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise Fatal("EVENSCREEN_AUDIT_WEBHOOK is no address.") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in THIS_MACHINE)):
        raise Fatal("EVENSCREEN_AUDIT_WEBHOOK is an https:// address.")
    if not secret:
        raise Fatal("EVENSCREEN_AUDIT_WEBHOOK_SECRET signs what is sent: set it, or unset the address.")


def send(url: str, secret: str, content: bytes) -> None:
    """POST `content` to `url`, signed; on return the receiver has taken it.

    Raises Fatal as `check_address` does, and Transient when nobody takes it.
    """
    check_address(url, secret)
    headers = {"Content-Type": "application/json", SIGNATURE: signature(content, secret)}
    request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT_S):
            pass
    except urllib.error.HTTPError as refusal:
        with refusal:
            raise Transient("webhook", str(refusal.code)) from None
    except (OSError, HTTPException) as problem:
        raise Transient("webhook", type(problem).__name__) from None


def write_metric(path: Path, found: Audit, *, untold: bool) -> None:
    """Write the conclusion for a textfile collector, 1 at the one that holds: whole or not at all.

    `untold` says whether the webhook still has to be told of a change. Raises Fatal when there is no writing.
    """
    registry = CollectorRegistry()
    holds, imports, waits = (
        Gauge(one.name, one.meaning, one.labels, registry=registry)
        for one in (metrics.AUDIT_CONCLUSION, metrics.AUDIT_IMPORTS, metrics.AUDIT_UNTOLD)
    )
    for conclusion in EXIT_CODES:
        holds.labels(found.subject.model_version, conclusion).set(conclusion == found.conclusion)
    imports.labels(found.subject.model_version).set(len(found.completeness.unfinished_imports))
    waits.labels(found.subject.model_version).set(untold)
    try:
        write_to_textfile(str(path), registry)
    except OSError as problem:
        raise Fatal(f"The metrics file cannot be written ({type(problem).__name__}).") from None
