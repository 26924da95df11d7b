"""Tags of a drawn page: its heading, paragraphs, pictures and decoration, in the order of drawing.

A screen reader follows them (ISO 32000-1, 14.7 and 14.8). reportlab draws and has no tags of its own, so the
few operators and the tree are written here, by its ways of writing what it does not know.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFPage, PDFString
from reportlab.pdfgen.canvas import Canvas


class Tags:
    """The tags of the one page of `paper`: all that is drawn is drawn within one, or as decoration."""

    def __init__(self, paper: Canvas) -> None:
        self._paper = paper
        self._elements: list[PDFDictionary] = []

    @contextmanager
    def tagged(self, kind: str, **more: str) -> Iterator[None]:
        """What is drawn meanwhile is one `kind` (H1, P, Figure); `more` are words about it, such as Alt."""
        number = len(self._elements)
        words = {name: PDFString(text) for name, text in more.items()}
        self._elements.append(_dictionary("StructElem", S=PDFName(kind), K=number, **words))
        self._paper.addLiteral(f"/{kind} <</MCID {number}>> BDC")
        yield
        self._paper.addLiteral("EMC")

    @contextmanager
    def decoration(self) -> Iterator[None]:
        self._paper.addLiteral("/Artifact BMC")
        yield
        self._paper.addLiteral("EMC")

    def finish(self) -> None:
        """Put the tree in the file, once the page is shown."""
        document = self._paper._doc
        [page] = document.Pages.pages
        page.__NoDefault__ = [*PDFPage.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents, page.Tabs = 0, PDFName("S")
        references = PDFArray([document.Reference(element) for element in self._elements])
        whole = _dictionary("StructElem", S=PDFName("Document"), K=references)
        parents = PDFDictionary({"Nums": PDFArray([0, document.Reference(references)])})
        root = _dictionary("StructTreeRoot", K=document.Reference(whole), ParentTree=parents)
        whole.dict["P"] = document.Reference(root)
        for element in self._elements:
            element.dict |= {"P": document.Reference(whole), "Pg": document.Reference(page)}
        self._paper.setCatalogEntry("StructTreeRoot", root)
        self._paper.setCatalogEntry("MarkInfo", {"Marked": "true"})


def _dictionary(kind: str, **entries) -> PDFDictionary:
    return PDFDictionary({"Type": PDFName(kind), **entries})
