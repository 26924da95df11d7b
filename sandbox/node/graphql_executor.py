"""GraphQL executor for the SDK's own documents: walks the selection set over plain dicts.

There is no schema. A dict's value may be callable: it is called with the field's arguments, and only when the
field was asked for. Aliases, fragments, type conditions and variables work as in the GraphQL specification.
"""

import functools
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, Undefined, build_schema, parse, validate
from graphql.language import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode
from graphql.utilities import value_from_ast_untyped
from graphql.validation import KnownFragmentNamesRule, NoUndefinedVariablesRule

# Which concrete types an abstract type condition accepts.
ABSTRACT = {
    "LightsparkNode": {"LightsparkNodeWithOSK", "LightsparkNodeWithRemoteSigning"},
    "Node": {"LightsparkNodeWithOSK", "LightsparkNodeWithRemoteSigning", "GraphNode"},
    "LightningTransaction": {"IncomingPayment", "OutgoingPayment", "RoutingTransaction"},
    "OnChainTransaction": {"Deposit", "Withdrawal"},
    "Transaction": {"IncomingPayment", "OutgoingPayment", "RoutingTransaction", "Deposit", "Withdrawal"},
    "PaymentRequest": {"Invoice"},
    "PaymentRequestData": {"InvoiceData"},
    "LightsparkNodeOwner": {"Account", "Wallet"},
}
_NO_SCHEMA = build_schema("type Query { nothing: Int }")


class InvalidDocument(ValueError):
    """The document is not GraphQL, or uses variables or fragments that it does not define."""


@functools.lru_cache(512)
def load(query: str) -> tuple[dict[str | None, OperationDefinitionNode], dict[str, FragmentDefinitionNode]]:
    """Operations and fragments by name. Parsing 20 kB takes 100 ms, so the text is the cache's key."""
    try:
        document = parse(query)
    except GraphQLError as error:
        raise InvalidDocument(error.message) from error
    wrong = validate(_NO_SCHEMA, document, [NoUndefinedVariablesRule, KnownFragmentNamesRule])
    if wrong:
        raise InvalidDocument("; ".join(error.message for error in wrong))
    operations = {
        node.name.value if node.name else None: node
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    }
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    if not operations:
        raise InvalidDocument("the document has no operation")
    return operations, fragments


def execute(
    query: str, variables: dict, operation_name: str | None, resolve: Callable[[str, dict], Any]
) -> dict:
    """The `data` of the answer; `resolve(field, arguments)` gives the objects of the root fields.

    Raises InvalidDocument, and whatever `resolve` raises.
    """
    operations, fragments = load(query)
    operation = operations.get(operation_name) or next(iter(operations.values()))
    values = {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value
    }
    return _Projection(fragments, values | variables).select(operation.selection_set, {}, resolve)


class _Projection:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode], variables: dict):
        self.fragments = fragments
        self.variables = variables

    def arguments(self, field: FieldNode) -> dict:
        return {
            argument.name.value: _without_undefined(value_from_ast_untyped(argument.value, self.variables))
            for argument in field.arguments or ()
        }

    def select(self, selections, source: dict, resolve: Callable[[str, dict], Any] | None = None) -> dict:
        answer: dict[str, Any] = {}
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self._add_field(answer, node, source, resolve)
                continue
            part = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if _applies(part.type_condition, source):
                _merge(answer, self.select(part.selection_set, source, resolve))
        return answer

    def _add_field(self, answer: dict, field: FieldNode, source: dict, resolve) -> None:
        name = field.name.value
        if resolve is not None and name != "__typename":
            value = resolve(name, self.arguments(field))
        elif name in source:
            value = source[name]
        else:
            raise InvalidDocument(f"the sandbox has no field {name} on {source.get('__typename', 'Query')}")
        if callable(value):
            value = value(**self.arguments(field))
        key = field.alias.value if field.alias else name
        _merge(answer, {key: self._shape(field, value)})

    def _shape(self, field: FieldNode, value):
        if value is None or not field.selection_set:
            return value
        if isinstance(value, list):
            return [self.select(field.selection_set, one) for one in value]
        return self.select(field.selection_set, value)


def _applies(condition, source: dict) -> bool:
    typename = source.get("__typename")
    if condition is None or typename is None:
        return True
    wanted = condition.name.value
    return wanted in (typename, "Entity") or typename in ABSTRACT.get(wanted, ())


def _merge(answer: dict, more: dict) -> None:
    """Fields of one name selected twice are merged, as the specification's MergeSelectionSets says."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(answer.get(key), dict):
            _merge(answer[key], value)
        else:
            answer[key] = value


def _without_undefined(value):
    """graphql-core leaves Undefined behind for variables that were not sent."""
    if value is Undefined:
        return None
    if isinstance(value, dict):
        return {key: _without_undefined(one) for key, one in value.items() if one is not Undefined}
    if isinstance(value, list):
        return [_without_undefined(one) for one in value]
    return value
