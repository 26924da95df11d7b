#!/usr/bin/env bash
# Restores what backup.sh made. Stop web servers and workers first; README.md has each case from end to end.
#
#   restore.sh cluster BACKUP FOLDER [TIME]   PostgreSQL's files into FOLDER, and the log since then: the server that
#                                             starts on it plays that up to TIME ("2026-11-27 18:30:00+00") or its end
#   restore.sh dump BACKUP                    the dump into the database of DATABASE_URL, in place of what is there
#   restore.sh sqlite BACKUP FILE             the SQLite database into FILE
#   restore.sh covers BACKUP FOLDER           the uploaded covers into FOLDER
#
# BACKUP is one folder in BACKUPS, beside `wal`. FOLDER must then belong to the user that the server runs as.
set -euo pipefail
umask 077

fail() { printf '%s\n' "$1" >&2; exit 1; }
newest_programs=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
PATH=${newest_programs:+$newest_programs:}$PATH

cluster() { # cluster <backup> <folder> [time]
    local first file
    [ -e "$1/cluster/backup_label" ] || fail "$1 holds no files of a PostgreSQL server."
    [ -z "$(ls -A "$2" 2>/dev/null)" ] || fail "$2 is not empty: move away what is there, it may be needed."
    pg_verifybackup --quiet "$1/cluster"
    mkdir -p "$2"
    cp -a "$1/cluster/." "$2"
    rm -f "$2/backup_manifest"
    mkdir "$2/log_to_play"
    first=$(sed -nE 's/^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$/\1/p' "$2/backup_label")
    for file in "$1"/../wal/*; do # a segment's name is its timeline and its number, of eight and sixteen digits
        file=${file##*/}
        [[ $file != *.history && ${file:8:16} < ${first:8} ]] || cp "$1/../wal/$file" "$2/log_to_play"
    done
    cat >>"$2/postgresql.auto.conf" <<CONF
restore_command = 'cp "log_to_play/%f" "%p" || cp "log_to_play/%f.partial" "%p"'
recovery_end_command = 'rm -rf log_to_play'
recovery_target_timeline = 'latest'
recovery_target_action = 'promote'
recovery_target_time = '${3:-}'
CONF
    touch "$2/recovery.signal"
    printf 'Start the server on %s: it plays the log, then opens for writing.\n' "$2"
}

dump() { # dump <backup>: all of it or, when a step fails, nothing; tables of a newer version go
    script=$(mktemp) # not local: the trap outlives the function
    trap 'rm -f "$script"' EXIT
    printf 'DROP SCHEMA IF EXISTS public CASCADE;\nCREATE SCHEMA public;\n' >"$script"
    pg_restore --no-owner --file=- "$1/shop.dump" >>"$script"
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --single-transaction --dbname="$DATABASE_URL" --file="$script" >/dev/null
}

sqlite() { # sqlite <backup> <file>
    if [ -e "$2" ] || [ -e "$2-wal" ]; then fail "$2 is there: move it away with its -wal and -shm, it may be needed."; fi
    cp "$1/shop.sqlite3" "$2"
}

covers() { # covers <backup> <folder>
    mkdir -p "$2"
    tar -C "$2" -xzf "$1/covers.tar.gz"
}

case "$#:${1:-}" in
    [34]:cluster | 2:dump | 3:sqlite | 3:covers) "$@" ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
