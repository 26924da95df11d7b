# Sourced by ./run and ./test: the Python environment in .venv, and how to say that something failed.

fail() {
    printf '\n%s\n' "$1" >&2
    exit 1
}

find_python() { # prints a Python 3.11, or nothing
    local candidate
    if [ -n "${PYTHON:-}" ] && ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        return # what is asked for by name is not replaced by another
    fi
    for candidate in "${PYTHON:-}" python3.11 python3 python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

in_background() { # runs a command so that a signal reaches our trap at once, not when the command ends
    "$@" &
    step_pid=$!
    wait "$step_pid"
}

install_with_uv() { # as pip would, by pip's settings, many times as fast; fails where uv cannot be had or does not manage
    local uv=(uv) name value
    export UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match} # pip's: whichever index has the wanted version
    while IFS='=' read -r name value; do
        value=${value:1:-1} value=${value//'\n'/ }
        case ${name##*.} in
            index-url) export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$value} ;;
            extra-index-url) export UV_INDEX=${UV_INDEX:-$value} ;;
            find-links) export UV_FIND_LINKS=${UV_FIND_LINKS:-${value// /,}} ;;
            no-index) export UV_NO_INDEX=${UV_NO_INDEX:-$value} ;;
            no-cache-dir) export UV_NO_CACHE=${UV_NO_CACHE:-$value} ;;
            cert) export SSL_CERT_FILE=${SSL_CERT_FILE:-$value} ;;
        esac
    done < <(.venv/bin/python -m pip config list)
    command -v uv || {
        .venv/bin/python -m pip install --quiet --disable-pip-version-check uv -c constraints.txt || return
        uv=(.venv/bin/python -m uv)
    }
    "${uv[@]}" pip install --quiet --compile-bytecode --python .venv/bin/python "$@"
}

install_libraries() {
    install_with_uv "$@" || .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

prepare_venv() { # prepare_venv <stamp name> <requirements file>...: installs only when those files changed
    local stamp=".venv/.installed-$1" python hash file arguments=()
    if [ -n "${PYTHON:-}" ] && [ -z "$(find_python)" ]; then fail "PYTHON=$PYTHON is no Python 3.11."; fi
    shift
    for file in "$@"; do arguments+=(-r "$file"); done
    hash=$(cat requirements*.txt sandbox/requirements.txt constraints.txt | sha256sum | cut -d' ' -f1)
    [ "$(cat "$stamp" 2>/dev/null)" = "$hash" ] && [ -x .venv/bin/python ] && return

    if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        python=$(find_python)
        [ -n "$python" ] || fail "Python 3.11 is needed and was not found (set PYTHON=/path/to/python3.11 if it has another name)."
        in_background "$python" -m venv --clear .venv >var/log/install.log 2>&1 ||
            fail "Could not make .venv with $python; var/log/install.log says why (on Debian: apt install python3.11-venv)."
    fi
    echo "Installing the libraries (only when the requirements changed) ..."
    in_background install_libraries "${arguments[@]}" -c constraints.txt >var/log/install.log 2>&1 || {
        # Without a network pip blames "conflicting dependencies"; asked for one package it says what it found.
        local one=(--dry-run --no-deps --ignore-installed --no-cache-dir django)
        if [[ $(.venv/bin/python -m pip install "${one[@]}" 2>&1 || true) == *"from versions: none"* ]]; then
            fail "The libraries could not be fetched: there is no way to the package index from here. Run the command again with a network; var/log/install.log has what pip said."
        fi
        tail -n 5 var/log/install.log >&2
        fail "Could not install the libraries; var/log/install.log says why. Run the command again once that is mended."
    }
    echo "$hash" >"$stamp"
}
