"""Template loader: what a template always says is said once for each language.

Django renders a template node by node, and most of a page's nodes are constant: text, translations of
literals, icons, addresses. Runs of them become one node here, a template included by its name is looked up
once, and text is escaped without asking how numbers are written.
Pages are the same to the letter (`test_template_loader.py`).
"""

import itertools
from collections.abc import Sequence
from functools import cached_property
from html import escape
from typing import Any

from django.template.base import (
    FilterExpression,
    Node,
    NodeList,
    Template,
    TextNode,
    Variable,
    VariableNode,
    render_value_in_context,
)
from django.template.context import Context
from django.template.defaulttags import CommentNode, CycleNode, IfChangedNode, IfNode, LoadNode, URLNode
from django.template.engine import Engine
from django.template.library import SimpleNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.template.loaders import base, cached
from django.templatetags.i18n import TranslateNode
from django.templatetags.static import StaticNode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

# Their meaning hangs on the template that they stand in.
_AT_HOME = (ExtendsNode, BlockNode, CycleNode, IfChangedNode)
_FILES = ("django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader")


class _FoldingLoader(base.Loader):
    def get_template(self, template_name, skip=None) -> Template:
        template = super().get_template(template_name, skip)
        template.nodelist = _folded(template.nodelist, self.engine)
        return template


class Loader(cached.Loader, _FoldingLoader):
    """Django's cached loader of files, whose templates are folded."""

    def __init__(self, engine: Engine, loaders: Sequence[Any] = _FILES):
        super().__init__(engine, loaders)


class Constant(Node):
    """Neighboring nodes that say the same on every page of a language."""

    child_nodelists = ()

    def __init__(self, nodes: list[Node]):
        self._nodes = nodes
        self._is_translated = any(isinstance(node, TranslateNode) for node in nodes)
        self._said: dict[str | None, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        language = get_language() if self._is_translated else None
        if language not in self._said:
            said = "".join([node.render(context) for node in self._nodes])
            self._said[language] = mark_safe(said)  # noqa: S308, its nodes are what a template says
        return self._said[language]

    render_annotated = render


class Included(Node):
    """`{% include "name" %}`: the nodes of that template, which is looked up once."""

    child_nodelists = ()

    def __init__(self, node: IncludeNode, engine: Engine):
        self._node, self._engine = node, engine

    @cached_property
    def _nodes(self) -> NodeList | None:
        """None where they have to be rendered as a template of their own."""
        nodes = self._engine.get_template(self._node.template.var).nodelist
        return None if any(nodes.get_nodes_by_type(kind) for kind in _AT_HOME) else nodes

    def render(self, context: Context) -> SafeString:
        if self._nodes is None:
            return self._node.render(context)
        values = {name: value.resolve(context) for name, value in self._node.extra_context.items()}
        with context.push(**values):
            return self._nodes.render(context)

    render_annotated = render


class Value(VariableNode):
    """`{{ text }}`; what is no text is localized by Django."""

    def render(self, context: Context) -> str:
        value = self.filter_expression.resolve(context)
        if type(value) is SafeString:
            return value
        if type(value) is str and context.autoescape:
            return escape(value)
        return render_value_in_context(value, context)

    render_annotated = render


def _folded(nodes: NodeList, engine: Engine) -> NodeList:
    """The same in fewer nodes; those within others are folded in place."""
    found = NodeList()
    for is_constant, run in itertools.groupby(nodes, _is_constant):
        these = list(run)
        if not is_constant:
            found += [_within(node, engine) for node in these]
        elif all(isinstance(node, TextNode) for node in these):
            found += these
        else:
            found.append(Constant(these))
    found.contains_nontext = nodes.contains_nontext
    return found


def _within(node: Any, engine: Engine) -> Node:
    if isinstance(node, IncludeNode):
        name = node.template
        is_named = isinstance(name.var, str) and not name.filters and not node.isolated_context
        return Included(node, engine) if is_named else node
    if type(node) is VariableNode:
        return Value(node.filter_expression)
    if isinstance(node, IfNode):
        node.conditions_nodelists = [
            (when, _folded(then, engine)) for when, then in node.conditions_nodelists
        ]
        return node
    for name in node.child_nodelists:
        if inner := getattr(node, name, None):
            setattr(node, name, _folded(inner, engine))
    return node


def _is_constant(node: Node) -> bool:
    if isinstance(node, TranslateNode):
        return node.asvar is None and node.message_context is None and _is_literal(node.filter_expression)
    if isinstance(node, SimpleNode):  # a tag whose function is cached goes by its arguments alone
        values = [*node.args, *node.kwargs.values()]
        is_cached = hasattr(node.func, "cache_info") and node.target_var is None
        return is_cached and not node.takes_context and all(map(_is_literal, values))
    if isinstance(node, StaticNode):
        return node.varname is None and _is_literal(node.path)
    if isinstance(node, URLNode):
        return node.asvar is None and _is_literal(node.view_name) and not node.args and not node.kwargs
    return isinstance(node, (TextNode, LoadNode, CommentNode))


def _is_literal(value: FilterExpression) -> bool:
    is_variable = isinstance(value.var, Variable) and value.var.lookups is not None
    return not value.filters and not is_variable
