"""Template tags of the door without a net. `{% load offline_door %}`"""

from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def door_words() -> dict[str, str | list[str]]:
    """What the door's script says without asking: verdicts (a word and a sentence) and states."""
    void = [_("Given back"), _("This ticket does not admit.")]
    return {
        "ok": [_("Welcome"), _("Let in without a net; the shop hears of it later.")],
        "already_checked_in": [_("Already used"), _("Let in at {time}.")],
        "void": void,
        "replay_only": [_("Replay only"), void[1]],
        "wrong_event": [_("Other event"), _("This ticket is for another event.")],
        "unknown_code": [
            _("Unknown code"),
            _("Neither on the list nor signed by the shop. Without a net, nobody can look further."),
        ],
        "undone": [_("Out again"), _("The check-in is undone: the ticket may be used once more.")],
        "undo_online": [_("Not now"), _("What the shop knows already can be undone once there is a net.")],
        "place": _("Ticket {number} of {total}"),
        "no_name": _("No name"),
        "let_in": _("Let in"),
        "undo": _("Undo"),
        "in_since": _("in since {time}"),
        "ready": _("List of {time} at hand: this phone lets in without a net, too."),
        "away": _("No net. Going by the list of {time}."),
        "away_without": _("No net, and no list on this phone: nobody can be checked."),
        "signed_out": _("You are signed out."),
        "waiting": _("Scans to bring back: {count}."),
        "both_times": _("first at {first}, again at {second}"),
    }
