#!/usr/bin/env bash
# Performs compose.yaml's profile `scale` without Docker, and shows it at work: a sale, a race, live pages, and
# every part killed in the middle. Two web servers, two workers, Pushpin, PgBouncer, Valkey or Redis, and nginx.
#
#   apt install postgresql pushpin pgbouncer redis-server nginx
#   bin/scale_tree.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. bin/venv.sh
prepare_venv dev requirements-dev.txt
exec .venv/bin/python -m pytest -v -s tests/scale "$@"
