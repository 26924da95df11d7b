"""WSGI application for gunicorn: `gunicorn -c sandbox/gunicorn.conf.py --chdir sandbox wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_wsgi_application()
