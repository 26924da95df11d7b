"""Port check: exits with 1 and a sentence when the port given as argument cannot be listened on."""

import socket
import sys


def trouble(text: str) -> str | None:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        return "that is not a port number."
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("0.0.0.0", int(text)))
        except OSError as error:
            return f"the port cannot be used ({error.strerror}). Choose another."
    return None


if __name__ == "__main__":
    sys.exit(trouble(sys.argv[1]))
