#!/usr/bin/env bash
# Papers of the libraries in the image: what they are, their licences, and what is known against them.
#
#   papers.sh DIR             DIR/sbom.cdx.json (CycloneDX) and DIR/licences.csv, then pip-audit
#   papers.sh DIR PYTHON      the first two alone, of what this Python has: an image's, or its tree's
#
# Needs .venv as ./test makes it. The audit asks PyPI's list of vulnerabilities, and fails where it gets no answer.
set -euo pipefail
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ $# -gt 0 ] || { sed -n '4,5s/^# *//p' "${BASH_SOURCE[0]}"; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
python=${2:-$dir/libraries/bin/python}
tools=$source_tree/.venv/bin

if [ -z "${2:-}" ]; then # what the image installs, and nothing else
    "$tools/python" -m venv --clear --without-pip "$dir/libraries"
    "$tools/python" -m pip --python "$python" install --quiet --require-hashes -r "$source_tree/requirements.lock"
fi
"$tools/cyclonedx-py" environment "$python" --output-reproducible --output-format JSON --output-file "$dir/sbom.cdx.json"
"$tools/pip-licenses" --python "$python" --from mixed --format csv --output-file "$dir/licences.csv"
[ -n "${2:-}" ] || "$tools/uv" tool run pip-audit==2.10.1 --strict --require-hashes --disable-pip --requirement "$source_tree/requirements.lock"
