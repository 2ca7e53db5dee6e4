#!/usr/bin/env bash
# Writes the locks: names, versions and hashes for every Python from 3.11 on, and no address of any index.
set -euo pipefail
uv=$1
cd "$(dirname "$0")/../.."
resolve() {
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links --output-file "infra/locks/$1.txt" pyproject.toml infra/locks/build.in "${@:2}"
}
resolve core
resolve demo --extra local
resolve dev --extra local --extra labels --extra train --extra dev --constraint infra/locks/demo.txt
