"""One empty bucket of each kind: a folder, and a bucket of a real S3 server (Versity Gateway)."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from evenscreen.infra.local import ports
from evenscreen.infra.local.versity import build
from evenscreen.pipeline.store.base import Listed, Store
from evenscreen.pipeline.store.file import FileStore
from evenscreen.pipeline.store.s3 import S3Store, s3_client
from evenscreen.schemas.errors import Fatal
from evenscreen.schemas.settings import StoreSettings


@dataclass
class Bucket:
    """A store to test, with what only its owner can do."""

    store: Store
    remove: Callable[[str], object]
    folder: Path

    def put(self, key: str, body: bytes, metadata: dict[str, str] | None = None) -> Listed:
        source = self.folder / uuid4().hex
        source.write_bytes(body)
        return self.store.put(key, source, metadata or {})


@pytest.fixture(scope="session")
def s3_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    """A gateway that can keep versions and notifies nobody; skipped, with the reason, where Go is missing."""
    try:
        program = build()
    except Fatal as reason:
        pytest.skip(f"no S3 server to test with: {reason}")
    root = tmp_path_factory.mktemp("versity")
    buckets, versions = root / "buckets", root / "versions"
    buckets.mkdir()
    versions.mkdir()
    port, access_key, secret_key = ports.free_port(), secrets.token_hex(10), secrets.token_hex(20)
    log = (root / "log").open("wb")
    gateway = subprocess.Popen(
        [program, "--port", f"127.0.0.1:{port}", "posix", "--versioning-dir", versions, buckets],
        env={**os.environ, "ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key},
        stdout=log,
        stderr=log,
    )
    try:
        deadline = time.monotonic() + 30
        while not ports.is_open(port):
            assert gateway.poll() is None, (root / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield StoreSettings(
            bucket="s3://any",
            s3_endpoint=f"http://127.0.0.1:{port}",
            s3_access_key=access_key,
            s3_secret_key=secret_key,
        )
    finally:
        gateway.terminate()
        gateway.wait(10)
        log.close()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def client(s3_settings: StoreSettings) -> Iterator[Any]:
    client = s3_client(s3_settings, 8)
    yield client
    client.close()


@pytest.fixture
def s3_bucket(client: Any, tmp_path: Path) -> Bucket:
    name = f"bucket-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return Bucket(S3Store(name, client), lambda key: client.delete_object(Bucket=name, Key=key), tmp_path)


@pytest.fixture
def folder_bucket(tmp_path: Path) -> Bucket:
    root = tmp_path / "bucket"
    root.mkdir()
    return Bucket(FileStore(root), lambda key: (root / key).unlink(), tmp_path)


@pytest.fixture(params=["folder", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    return request.getfixturevalue(f"{request.param}_bucket")
