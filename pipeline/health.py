"""What a process tells its surroundings: /healthz, /readyz and /metrics, served by a thread of their own.

- `/healthz` answers 200 while the process makes progress: the work loop has beaten within `stale_s`, or
  rides out bad weather (restarting it would not help). Otherwise 503: restart it.
- `/readyz` answers 200 once it is set up and works, 503 before that, in bad weather and while stopping.
- `/metrics` is the Prometheus text format.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from evenscreen.pipeline.log import get_logger
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import HealthSettings

STALE_S = 60.0


class Health:
    """The state of one process; every method may be called from any thread."""

    def __init__(self, name: str, stale_s: float = STALE_S) -> None:
        self.name = name
        self._stale_s = stale_s
        self._ready = False
        self._weather: str | None = None
        self._beat = time.monotonic()
        self.port = 0

    def ready(self, yes: bool) -> None:
        """The process has set up everything it needs, or has begun to stop."""
        self._ready = yes
        self.beat()

    def beat(self) -> None:
        """The work loop is alive."""
        self._beat = time.monotonic()

    def weather(self, system: str | None) -> None:
        """`system` does not answer and is being retried; None when it does again."""
        self._weather = system
        self.beat()

    def report(self, path: str) -> tuple[int, dict[str, object]]:
        """HTTP status and body for `/healthz` or `/readyz`."""
        age_s = time.monotonic() - self._beat
        alive = self._weather is not None or age_s < self._stale_s
        good = alive if path == "/healthz" else alive and self._ready and self._weather is None
        body: dict[str, object] = {"process": self.name, "ok": good, "last_beat_s": round(age_s, 3)}
        if self._weather is not None:
            body["waiting_for"] = self._weather
        return (200 if good else 503), body


def serve_health(settings: HealthSettings, name: str) -> Health:
    """Serve on `health_host:health_port` (0 takes a free port, which is logged); returns at once.

    Raises `Fatal` where that address cannot be listened on.
    """
    health = Health(name)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path in ("/healthz", "/readyz"):
                status, body = health.report(self.path)
                self._answer(status, "application/json", json.dumps(body).encode())
            else:
                self._answer(404, "text/plain", b"/healthz, /readyz or /metrics\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A probe every few seconds is no event."""

    try:
        server = ThreadingHTTPServer((settings.health_host, settings.health_port), Handler)
    except OSError as error:
        raise Fatal(
            f"Health cannot be served on {settings.health_host}:{settings.health_port} "
            f"({type(error).__name__}): set EVENSCREEN_HEALTH_HOST and EVENSCREEN_HEALTH_PORT (0: any)."
        ) from None
    server.daemon_threads = True
    health.port = int(server.server_address[1])
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    get_logger().info("health served", process=name, host=settings.health_host, port=health.port)
    return health
