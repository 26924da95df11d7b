#!/usr/bin/env bash
# The image, really built, where no registry of images can be reached: the Dockerfile's lines by buildah, on a base
# that debootstrap makes (Debian 12, whose Python is 3.11, too) in place of python:3.11-slim.
#
#   build_here.sh DIR               base and image in DIR (some 2 GB); the base is kept there
#   build_here.sh DIR try           build, then sell a ticket from it and stop it (tests/image/built.py)
#   build_here.sh DIR run COMMAND   COMMAND in the image: its user, its files read-only, no privilege, /data of DIR
#
# As root, on Debian: apt install buildah debootstrap. Network and processes are the machine's own; nothing but the
# files is set apart, as a container would have it.
set -euo pipefail
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
fail() { printf '%s\n' "$1" >&2; exit 1; }
[ $# -gt 0 ] || { sed -n '5,7s/^# *//p' "${BASH_SOURCE[0]}"; exit 2; }
[ "$(id -u)" = 0 ] || fail "It mounts file systems: run it as root."
for program in buildah debootstrap jq; do
    command -v $program >/dev/null || fail "$program is not on this machine (Debian: apt install $program)."
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
base=localhost/python-of-debian image=localhost/tickets-by-uma
buildah() { command buildah --root "$dir/store" --runroot "$dir/run" --storage-driver vfs "$@"; }

make_base() {
    local container root
    ! buildah inspect --type image "$base" >/dev/null 2>&1 || return 0
    container=$(buildah from scratch)
    root=$(buildah mount "$container")
    debootstrap --variant=minbase --include=ca-certificates,python3.11,python3.11-venv,python3-pip bookworm "$root" >"$dir/base.log"
    ln -s /usr/bin/python3.11 "$root/usr/local/bin/python"
    ln -s /usr/bin/pip3 "$root/usr/local/bin/pip"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    buildah umount "$container" >/dev/null
    buildah commit --quiet --rm "$container" "$base" >/dev/null
}

build() { # with this machine's certificates and its settings of pip, none of which stays in the image
    local settings=() file
    for file in /etc/pip.conf "$HOME/.config/pip/pip.conf"; do
        [ ! -e "$file" ] || settings=(--volume "$file:/etc/pip.conf:ro")
    done
    buildah bud --quiet --format docker --isolation chroot --network host --layers=false --pull-never --build-arg "BASE=$base" \
        --volume /etc/ssl/certs:/etc/ssl/certs:ro "${settings[@]}" --tag "$image" "$source_tree" >"$dir/build.log" 2>&1 ||
        { tail -n 20 "$dir/build.log" >&2; fail "The image could not be built; $dir/build.log says why."; }
    rm -rf "$dir/config.json" "$dir/data"
    buildah inspect --type image "$image" | jq .OCIv1.config >"$dir/config.json"
    buildah rm --all >/dev/null
    buildah from --pull-never --name tried "$image" >/dev/null
    buildah mount tried >"$dir/root"
    install -d -m 0700 -o 10001 -g 10001 "$dir/data"
}

run() { # run [COMMAND...]: the image's own command when none is given
    local root said command uid
    root=$(cat "$dir/root" 2>/dev/null) || fail "Nothing is built in $dir yet."
    said=$dir/config.json
    command=("$@")
    [ $# -gt 0 ] || mapfile -t command < <(jq -r '.Cmd[]' "$said")
    uid=$(jq -r .User "$said")
    while read -r pair; do export "${pair?}"; done < <(jq -r '.Env[]' "$said")
    # shellcheck disable=SC2016
    exec unshare --mount bash -euc '
        root=$1 data=$2 uid=$3 gid=$4 folder=$5
        shift 5
        mount --bind "$root" "$root"
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
        mount --bind "$data" "$root/data"
        for file in /etc/hosts /etc/resolv.conf; do [ ! -e "$root$file" ] || mount --bind "$file" "$root$file"; done
        mount -o remount,bind,ro "$root"
        exec chroot "$root" setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all --bounding-set=-all \
            --no-new-privs --pdeathsig KILL env --chdir="$folder" "$@"' \
        - "$root" "$dir/data" "${uid%:*}" "${uid#*:}" "$(jq -r .WorkingDir "$said")" "${command[@]}"
}

case "${1:-build}" in
    build) make_base; build ;;
    try) make_base; build; cd "$source_tree" && exec .venv/bin/python -m tests.image.built "$dir" ;;
    run) shift; run "$@" ;;
    *) fail "Unknown: $1" ;;
esac
