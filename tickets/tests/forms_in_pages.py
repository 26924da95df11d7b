"""Form data of a page for tests, as a browser would send it."""

from html.parser import HTMLParser

BUTTONS = ("submit", "button", "image", "reset", "file")


class _Form(HTMLParser):
    def __init__(self, html: str, form_id: str):
        super().__init__()
        self.data: dict[str, str] = {}
        self._form_id, self._inside, self._open = form_id, False, ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("id") == self._form_id
        if not self._inside:
            return
        name, kind = said.get("name", ""), said.get("type", "text")
        if tag == "input" and name and kind not in BUTTONS:
            if kind not in ("checkbox", "radio"):
                self.data[name] = said.get("value", "")
            elif "checked" in said:
                self.data[name] = said.get("value", "on")
        elif tag in ("textarea", "select"):
            self._open = name
            self.data.setdefault(name, "")
        elif tag == "option" and "selected" in said:
            self.data[self._open] = said.get("value", "")

    def handle_data(self, text):
        if self._inside and self.lasttag == "textarea" and self._open:
            self.data[self._open] = text.removeprefix("\r\n").removeprefix("\n").replace("\n", "\r\n")

    def handle_endtag(self, tag):
        if tag in ("textarea", "select"):
            self._open = ""
        if tag == "form":
            self._inside = False


def form_in(answer, form_id: str) -> dict[str, str]:
    """The fields of the form `form_id` in a response, with the values they are shown with."""
    return _Form(answer.content.decode(), form_id).data
