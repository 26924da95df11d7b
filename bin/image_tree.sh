#!/usr/bin/env bash
# Performs the Dockerfile's steps in a scratch folder, and runs what came out, without Docker:
#
#   bin/image_tree.sh DIR               build into DIR (made anew)
#   bin/image_tree.sh DIR start         run the image's CMD there
#   bin/image_tree.sh DIR COMMAND...    run another command there
#
# The lines are read from the Dockerfile and .dockerignore. DIR takes the place of the image's root: the paths
# /app, /data, /build and /opt/venv mean those below DIR. As root, commands run as the image's user, without
# any privilege; else as whoever calls. Stage "build" (the libraries) is kept in var/image, by what went into it.
# The Python is this machine's; nothing is isolated from it as a container would be.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fail() { printf '%s\n' "$1" >&2; exit 1; }
[ $# -gt 0 ] || { sed -n '2,6s/^# *//p' "${BASH_SOURCE[0]}"; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift

here() { sed -E "s#(^|[^[:alnum:]_./-])/(app|data|build|opt/venv)\b#\1$2/\2#g" <<<"$1"; } # here <text> <root>
instructions() { sed -e '/^#/d' "$source/Dockerfile" | sed -e ':a' -e '/\\$/{N' -e 's/\\\n */ /' -e 'ba' -e '}'; }
stage() { instructions | awk -v wanted="$1" '/^FROM /{n++} n==wanted && NF'; }

user=$(stage 2 | sed -n 's/^USER //p')
uid=${user%:*}
[ "$(id -u)" = 0 ] || uid=$(id -u)
as_user=()
[ "$(id -u)" != 0 ] || as_user=(setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all \
    --bounding-set=-all --no-new-privs --pdeathsig KILL)

find_python() { # a Python 3.11 that the image's user may run
    local candidate
    for candidate in $(type -ap python3.11 python3) /usr/bin/python3.11; do
        candidate=$(readlink -f "$candidate")
        "${as_user[@]}" "$candidate" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' \
            2>/dev/null && echo "$candidate" && return
    done
}

copy_in() { # copy_in <root> <workdir> <COPY arguments>
    local root=$1 workdir=$2 words to from
    read -ra words <<<"$3"
    to=${words[-1]} from=("${words[@]:0:${#words[@]}-1}")
    case "${from[0]}" in
        --from=*) mkdir -p "$(dirname "$root$to")"; cp -al "$kept${from[1]}" "$root$to" 2>/dev/null ||
            { rm -rf "${root:?}$to" && cp -a "$kept${from[1]}" "$root$to"; } ;; # hard links where they can be
        *)
            local excludes=() pattern
            while read -r pattern; do
                case "$pattern" in
                    "**/"*) excludes+=(--no-anchored "--exclude=${pattern#\*\*/}") ;;
                    ?*) excludes+=(--anchored --no-wildcards-match-slash "--exclude=$pattern") ;;
                esac
            done <"$source/.dockerignore"
            for pattern in "${from[@]}"; do [ -e "$source/$pattern" ] || fail "COPY $pattern: there is no such thing."; done
            tar -C "$source" "${excludes[@]}" -cf - "${from[@]}" | tar -C "$root$workdir" --no-same-owner -xf -
            ;;
    esac
}

perform() { # perform <stage number> <root>
    local root=$2 workdir=/ word rest name value
    mkdir -p "$root"
    while read -r -u 3 word rest; do
        case "$word" in
            FROM | USER | VOLUME | EXPOSE | HEALTHCHECK | CMD) ;;
            ENV) for name in $rest; do value=$(here "${name#*=}" "$root"); eval "export ${name%%=*}=\"$value\""; done ;;
            WORKDIR) workdir=$rest; mkdir -p "$root$workdir" ;;
            COPY) copy_in "$root" "$workdir" "$rest" ;;
            RUN) (cd "$root$workdir" && sh -euc "$(here "${rest//10001/$uid}" "$root")") ;;
            *) fail "bin/image_tree.sh does not know the instruction $word." ;;
        esac
    done 3< <(stage "$1")
}

build() {
    local python name
    for name in $(compgen -e); do # a build knows nothing of the caller's settings
        case $name in PATH | HOME | LANG | TMPDIR | PIP_* | SSL_* | *_proxy | *_PROXY) ;; *) unset "$name" ;; esac
    done
    python=$(find_python)
    [ -n "$python" ] || fail "No Python 3.11 was found that user $uid may run."
    kept=$source/var/image/$({ stage 1; cat "$source"/requirements.lock; echo "$python"; } | sha256sum | cut -c1-16)
    tools=$(mktemp -d)
    trap 'rm -rf "$tools"' EXIT
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$python" >"$tools/python" # no link: a venv would point to it
    printf '#!/bin/sh\nexec "%s" -m pip --disable-pip-version-check --quiet --quiet "$@"\n' "$source/.venv/bin/python" >"$tools/pip"
    chmod +x "$tools"/*
    export PATH="$tools:$PATH"
    if [ ! -d "$kept" ]; then
        rm -rf "$source/var/image"
        (perform 1 "$kept.new")
        mv "$kept.new" "$kept"
    fi
    chmod -R u+w "$dir"
    rm -rf "${dir:?}"/*
    (perform 2 "$dir")
    chmod 755 "$dir"
    chmod -R a-w,a+rX "$dir/app" "$dir/opt" # read-only, as the containers are started
}

if [ $# = 0 ]; then
    build
    exit
fi
while read -r _ pairs; do
    for pair in $pairs; do
        name=${pair%%=*}
        [ "$name" != PATH ] && [ -n "${!name:-}" ] || eval "export $name=\"$(here "${pair#*=}" "$dir")\""
    done
done < <(stage 2 | grep '^ENV ')
command=("$@")
if [ "$1" = start ]; then
    mapfile -t command < <(stage 2 | sed -n 's/^CMD //p' | python3 -c 'import json, sys; print(*json.load(sys.stdin), sep="\n")')
fi
cd "$dir$(stage 2 | sed -n 's/^WORKDIR //p')"
exec "${as_user[@]}" "${command[@]}"
