#!/usr/bin/env bash
# Backups of the shop into a folder. README.md says when to call what, and how each is restored.
#
#   backup.sh once                one whole backup now: the database, and the uploaded covers of MEDIA_ROOT
#   backup.sh stay                one now, then one each day at about the same time
#   backup.sh wal                 keep PostgreSQL's write-ahead log as it is written, until stopped
#   backup.sh keys FILE PUBLIC    encrypt the environment file for the owner of this OpenPGP key
#
# BACKUPS is the folder, DATABASE_URL the database (postgres:// or sqlite:///), MEDIA_ROOT the covers.
# BACKUP_DAYS (14) is how long a backup is kept; never the newest one. PostgreSQL's programs, or Python for SQLite.
set -euo pipefail
umask 077

fail() { printf '%s\n' "$1" >&2; exit 1; }
newest_programs=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
PATH=${newest_programs:+$newest_programs:}$PATH

postgresql() { # a dump for any version, a copy of the files to which the log is added, and the proof that both are whole
    pg_dump --format=custom --file="$1/shop.dump" "$DATABASE_URL"
    pg_restore --file=/dev/null "$1/shop.dump"
    pg_basebackup --dbname="$DATABASE_URL" --pgdata="$1/cluster" --checkpoint=fast --wal-method=stream
    pg_verifybackup --quiet "$1/cluster"
}

sqlite() { # a copy as of one moment, also while the shop writes
    python3 - "$1" "$2" <<'PYTHON'
import contextlib, pathlib, sqlite3, sys
source = pathlib.Path(sys.argv[1]).resolve(strict=True).as_uri() + "?mode=ro"
with contextlib.closing(sqlite3.connect(source, uri=True, timeout=60)) as shop, \
        contextlib.closing(sqlite3.connect(sys.argv[2])) as copy:
    shop.backup(copy)
    said = copy.execute("PRAGMA integrity_check").fetchone()[0]
    sys.exit(None if said == "ok" else said)
PYTHON
}

once() { # whole under its own name, or not there
    local name new
    exec 9>"$BACKUPS/.lock"
    flock --nonblock 9 || fail "Another backup is being made."
    name=$(date -u +%Y-%m-%dT%H%M%SZ)
    new=$BACKUPS/$name.unfinished
    rm -rf "$BACKUPS"/*.unfinished
    trap 'rm -rf "$BACKUPS"/*.unfinished' EXIT
    mkdir "$new"
    case "${DATABASE_URL:-}" in
        postgres://* | postgresql://*) postgresql "$new" ;;
        sqlite:///*) sqlite "${DATABASE_URL#sqlite:///}" "$new/shop.sqlite3" ;;
        *) fail "DATABASE_URL must begin with postgres:// or sqlite:///." ;;
    esac
    if [ -d "${MEDIA_ROOT:-}" ]; then tar -C "$MEDIA_ROOT" -czf "$new/covers.tar.gz" .; fi
    sync -f "$new"
    mv "$new" "$BACKUPS/$name"
    forget "$BACKUPS/$name"
    printf '%s\n' "$BACKUPS/$name"
}

stay() { # in a process of its own each time, so that a failure of any step ends it
    while :; do
        if "${BASH_SOURCE[0]}" once; then sleep 86400 & else printf 'No backup was made; once more in an hour.\n' >&2; sleep 3600 & fi
        wait $!
    done
}

forget() { # forget <newest>: backups past BACKUP_DAYS, and the log that only they needed
    local limit folder oldest=$1
    limit=$(date -u -d "-${BACKUP_DAYS:-14} days" +%Y-%m-%dT%H%M%SZ)
    for folder in "$BACKUPS"/????-??-??T??????Z; do
        if [[ ${folder##*/} < $limit && $folder != "$1" ]]; then rm -rf "$folder"; else oldest=$folder; break; fi
    done
    [ ! -e "$oldest/cluster" ] || pg_archivecleanup "$BACKUPS/wal" "$(first_segment "$oldest/cluster")"
}

first_segment() { # the file of the log in which a copy of the cluster begins
    sed -nE 's/^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$/\1/p' "$1/backup_label"
}

wal() { # a slot has the server keep what was not fetched yet, also while this is away
    pg_receivewal --dbname="$DATABASE_URL" --directory="$BACKUPS/wal" --slot=backup --create-slot --if-not-exists
    exec pg_receivewal --dbname="$DATABASE_URL" --directory="$BACKUPS/wal" --slot=backup --synchronous
}

keys() {
    local to
    if [ ! -r "${1:-}" ] || [ ! -r "${2:-}" ]; then fail "backup.sh keys FILE PUBLIC: the environment file, and a public key (gpg --export)."; fi
    to=$BACKUPS/keys-$(date -u +%Y-%m-%dT%H%M%SZ).gpg
    gpg --batch --quiet --trust-model always --recipient-file "$2" --output "$to" --encrypt "$1"
    printf '%s\n' "$to"
}

case "${1:-}" in
    once | stay | wal | keys) [ -n "${BACKUPS:-}" ] || fail "BACKUPS names no folder."; mkdir -p "$BACKUPS/wal" ;;
esac
case "${1:-}" in
    once | wal) "$1" ;;
    stay) stay ;;
    keys) keys "${@:2}" ;;
    *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
