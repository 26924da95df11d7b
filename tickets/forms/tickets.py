"""Forms of ticket holders."""

from django.utils.translation import gettext_lazy as _

from accounts.forms import PersonNameField

from .orders import DescribedForm


class HolderForm(DescribedForm):
    holder_name = PersonNameField(label=_("Name on the ticket"), required=False)
