"""Admin client for tests: opens pages and presses buttons."""

from django.urls import reverse


def list_url(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def change_url(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def act_url(row, action):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_act", args=[row.pk, action])


def act(client, row, action, **fields):
    """Open the page that asks, press its button; the page afterwards."""
    page = client.get(act_url(row, action))
    seen = page.context["form"]["seen"].value()
    return client.post(act_url(row, action), {"seen": seen, **fields}, follow=True)


def told(page):
    return [str(message) for message in page.context["messages"]]
