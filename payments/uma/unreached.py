"""Reasons why another wallet's server was not reached."""

from django.utils.translation import gettext_lazy as _

from ticketsuma.errors import DomainError


class VaspForbidden(DomainError):
    """This URL is none we may talk to; it stays so."""

    code = "vasp_forbidden"
    message = _("That wallet's server has no public https address.")
    status = 424


class VaspUnreachable(DomainError):
    """No answer within the time and size we allow; the reason is not told, lest we scan for others."""

    code = "vasp_unreachable"
    message = _("That wallet's server does not answer.")
    status = 424


class VaspUnknown(VaspUnreachable):
    """There is no such host name, says the DNS: nobody will answer soon."""

    code = "vasp_unknown"
    message = _("There is no wallet's server of that name.")
