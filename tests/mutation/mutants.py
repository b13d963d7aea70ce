"""Small changes to a module's source, one at a time, that its tests should notice."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed source, and the change as people read it."""

    line: int
    change: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant: operators, conditions, constants, and statements left out.

    Annotations, decorators, docstrings and the texts of errors are left as they are.
    """
    tree = ast.parse(source)
    for number, node in enumerate(_mutable(tree)):
        for variant in range(_variants(node)):
            changed = copy.deepcopy(tree)
            place = list(_mutable(changed))[number]
            before = ast.unparse(place)
            after = _change(place, variant)
            text = ast.unparse(ast.fix_missing_locations(changed))
            yield Mutant(getattr(node, "lineno", 0), f"{before}  ->  {after}", text)


def _mutable(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs, in order."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params", "names"):
            continue
        if isinstance(tree, ast.Raise) and name == "exc":
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue  # a docstring
            if _variants(child):
                yield child
            yield from _mutable(child)


def _variants(node: ast.AST) -> int:
    match node:
        case ast.Compare(ops=ops):
            return sum(type(op) in _SWAPPED for op in ops)
        case ast.BoolOp() | ast.If() | ast.IfExp() | ast.Continue() | ast.Break():
            return 1
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            return int(type(op) in _SWAPPED)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return 1
        case ast.Constant(value=bool() | int()):
            return 1
        case ast.Constant(value=str() as text):
            return int(bool(text))
        case ast.Expr(value=ast.Call()):
            return 1
    return 0


def _change(node: ast.AST, variant: int) -> str:
    """Change one node in place; return what it has become."""
    match node:
        case ast.Compare():
            place = [i for i, op in enumerate(node.ops) if type(op) in _SWAPPED][variant]
            node.ops[place] = _SWAPPED[type(node.ops[place])]()  # type: ignore[call-overload]
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign():
            node.op = _SWAPPED[type(node.op)]()  # type: ignore[assignment]
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
            return f"not ({ast.unparse(node.test.operand)})"
        case ast.Continue() | ast.Break():
            return _replace(node, ast.Pass())
        case ast.UnaryOp():
            return _replace(node, node.operand)
        case ast.Constant(value=bool() as truth):
            node.value = not truth
        case ast.Constant(value=int() as number):
            node.value = number + 1
        case ast.Constant(value=str() as text):
            node.value = f"XX{text}"
        case ast.Expr():
            return _replace(node, ast.Pass())
    return ast.unparse(node)


def _replace(node: ast.AST, by: ast.AST) -> str:
    """Turn a node into another one where it stands."""
    node.__class__ = by.__class__  # type: ignore[assignment]
    node.__dict__.update(by.__dict__)
    return ast.unparse(node)
