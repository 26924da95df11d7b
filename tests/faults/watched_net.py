"""Network of a Python program, recorded and redirected by a `sitecustomize` on its PYTHONPATH.

Every TCP connection is noted in VAR_DIR/connects.log and none leaves this machine. Names in
VAR_DIR/names.json (name → list of answers, each a list of addresses; the last one stays) resolve so.
Addresses in VAR_DIR/servers.json ("address port" → port) are servers of ours.
"""

from pathlib import Path

_SITECUSTOMIZE = """
import json
import os
import socket
import sys

_folder = os.environ.get("VAR_DIR", "/nonexistent")
_real, _create = socket.getaddrinfo, socket.create_connection
_asked = {}


def _note(event, args):
    if event != "socket.connect" or not isinstance(args[1], tuple):
        return
    with open(os.path.join(_folder, "connects.log"), "a") as log:
        log.write(f"{args[1][0]} {args[1][1]}\\n")
    if not args[1][0].startswith("127.") and args[1][0] != "::1":
        raise OSError("nothing leaves this machine")


def _told(name):
    try:
        with open(os.path.join(_folder, name)) as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {}


def _resolve(host, port, *args, **kwargs):
    answers = _told("names.json").get(host)
    if not answers:
        return _real(host, port, *args, **kwargs)
    turn = _asked[host] = _asked.get(host, -1) + 1
    found = answers[min(turn, len(answers) - 1)]
    return [_entry(address, port) for address in found]


def _entry(address, port):
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


def _connect(address, *args, **kwargs):
    ours = _told("servers.json").get(f"{address[0]} {address[1]}")
    return _create(("127.0.0.1", ours) if ours else address, *args, **kwargs)


socket.getaddrinfo = _resolve
socket.create_connection = _connect
sys.addaudithook(_note)
"""


def write_sitecustomize(folder: Path) -> Path:
    """Put it into `folder`, for PYTHONPATH; returns the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE)
    return folder
