"""Development secrets as env lines: the shop's own, and those it shares with the sandbox."""

import secrets
import uuid

SECRETS = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "JWT_SECRET": secrets.token_urlsafe(48),
    "SECOND_FACTOR_KEYS": secrets.token_urlsafe(48),
    "LIGHTSPARK_API_TOKEN_CLIENT_ID": secrets.token_hex(16),
    "LIGHTSPARK_API_TOKEN_CLIENT_SECRET": secrets.token_urlsafe(32),
    "LIGHTSPARK_NODE_ID": f"LightsparkNodeWithOSKLND:{uuid.uuid4()}",
    "LIGHTSPARK_NODE_PASSWORD": secrets.token_urlsafe(16),
    "LIGHTSPARK_WEBHOOK_SIGNING_KEY": secrets.token_hex(32),
}

if __name__ == "__main__":
    for name, value in SECRETS.items():
        print(f'{name}="{value}"')
