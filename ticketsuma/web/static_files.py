"""Static files in production, under names that change with their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Only hashed files are kept, so a module's `import "./times.js"` must lead to the hashed one as well."""

    support_js_module_import_aggregation = True
