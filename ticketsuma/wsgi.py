from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils import translation

from ticketsuma.conf.bootstrap import read_settings

read_settings()
application = get_wsgi_application()

# The SDKs and the views take two seconds to import: once, before the fork, not in the first buyers' requests.
from payments.node import lightspark  # noqa: E402
from payments.uma import receive  # noqa: E402, F401

lightspark.load_sdk()
get_resolver().url_patterns  # noqa: B018
for language, _name in settings.LANGUAGES:  # their texts are read once as well, and shared
    with translation.override(language):
        translation.gettext("")
