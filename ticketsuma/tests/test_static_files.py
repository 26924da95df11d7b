"""Static files in production: every module that a script imports is there under the name it imports."""

import re

from django.core.management import call_command
from django.test import override_settings


def test_scripts_import_files_that_are_there(tmp_path):
    storages = {"staticfiles": {"BACKEND": "ticketsuma.web.static_files.HashedFiles"}}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES=storages, WHITENOISE_KEEP_ONLY_HASHED_FILES=True):
        call_command(
            "collectstatic",
            interactive=False,
            verbosity=0,
            ignore_patterns=["redoc", "rest_framework", "admin", "drf_spectacular_sidecar"],
        )
    imported = {
        (script.name, name): (script.parent / name).exists()
        for script in (tmp_path / "js").glob("*.js")
        for name in re.findall(r'^import .* from "(\./[^"]+)";$', script.read_text(), re.MULTILINE)
    }
    assert len(imported) >= 4
    assert all(imported.values()), imported
