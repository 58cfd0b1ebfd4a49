"""Small questions about the trees of Python files."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef


def with_functions(tree: ast.Module, without: set[str]) -> Iterator[tuple[ast.AST, Function | None]]:
    """Every node with the innermost function around it, but for raised errors of the classes `without`."""

    def walk(node: ast.AST, function: Function | None) -> Iterator[tuple[ast.AST, Function | None]]:
        yield node, function
        inner = node if isinstance(node, Function) else function
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.Raise) and _raises(child, without)):
                yield from walk(child, inner)

    return walk(tree, None)


def _raises(node: ast.Raise, errors: set[str]) -> bool:
    return isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name) and node.exc.func.id in errors


def given(node: ast.AST) -> Iterator[ast.expr]:
    """What a speaking function yields, returns or collects."""
    match node:
        case ast.Yield(value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
            yield from _items(value)
        case ast.AugAssign(value=value) | ast.Assign(value=value):
            yield from _items(value)
        case ast.Call(func=ast.Attribute(attr="append"), args=[value]):
            yield value


def _items(value: ast.expr) -> Iterator[ast.expr]:
    match value:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            yield from items
        case ast.ListComp(elt=item) | ast.GeneratorExp(elt=item):
            yield item
        case ast.Call(func=ast.Name(), args=arguments):
            yield from arguments
        case _:
            yield value


def is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
