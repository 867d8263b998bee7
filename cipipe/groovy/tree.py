"""The small tree that the parser makes. Every node has `at`, the offset where it begins in its source."""

from dataclasses import dataclass, field

from cipipe.groovy.source import Piece, Source


@dataclass(slots=True)
class Node:
    """What every node has."""

    at: int


@dataclass(slots=True)
class Constant(Node):
    """true, false, null or a number."""

    value: bool | int | float | None


@dataclass(slots=True)
class String(Node):
    """A string; a part is text, or an expression with its source text (as a hole is named)."""

    parts: list[Piece | tuple[Node, str]]


@dataclass(slots=True)
class Name(Node):
    """A bare name."""

    name: str


@dataclass(slots=True)
class Property(Node):
    """`target.name`; the name may be computed (`this."$name"`)."""

    target: Node
    name: str | Node


@dataclass(slots=True)
class Index(Node):
    """`target[items]`."""

    target: Node
    items: list["Argument"]


@dataclass(slots=True)
class Argument(Node):
    """An argument or an entry of a list or map; `key` is None for a positional one."""

    value: Node
    key: str | Node | None = None
    spread: bool = False


@dataclass(slots=True)
class Call(Node):
    """A call in any form; trailing closures are its last positional arguments."""

    target: Node
    arguments: list[Argument]
    end: int = 0  # the offset behind it


@dataclass(slots=True)
class ListLiteral(Node):
    """`[a, b]`."""

    items: list[Argument]


@dataclass(slots=True)
class MapLiteral(Node):
    """`[a: b]`."""

    items: list[Argument]


@dataclass(slots=True)
class Parameter(Node):
    """A parameter of a method or closure."""

    name: str
    default: Node | None = None
    rest: bool = False  # `String... names`


@dataclass(slots=True)
class Closure(Node):
    """`{ a, b -> … }`; without an arrow `parameters` is None and `it` is there."""

    parameters: list[Parameter] | None
    body: list[Node]


@dataclass(slots=True)
class Operation(Node):
    """Operands joined by operators of one precedence, from left to right; one operand: a prefix operator."""

    operators: list[str]
    operands: list[Node]


@dataclass(slots=True)
class Choose(Node):
    """`condition ? yes : no`; for `a ?: b` the condition is None and `yes` is a."""

    condition: Node | None
    yes: Node
    no: Node


@dataclass(slots=True)
class Assign(Node):
    """`targets = value`, and `+=` and its kin; `declared` for `def`."""

    targets: list[Node]
    operator: str
    value: Node | None
    declared: bool = False


@dataclass(slots=True)
class New(Node):
    """`new Type(arguments)`."""

    type: str
    arguments: list[Argument]
    body: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class If(Node):
    """All arms of an if / else if chain."""

    arms: list[tuple[Node, list[Node]]]
    otherwise: list[Node] | None


@dataclass(slots=True)
class Loop(Node):
    """`for`, `while`, `do`: `items` is what a `for … in` goes through; `heads` run before the body."""

    variable: str | None
    items: Node | None
    heads: list[Node]
    body: list[Node]


@dataclass(slots=True)
class Try(Node):
    """`body`, then any of `catches`, then `last`."""

    body: list[Node]
    catches: list[tuple[str, list[Node]]]
    last: list[Node]


@dataclass(slots=True)
class Switch(Node):
    """`switch`: each case has its values (none: default) and its statements."""

    subject: Node
    cases: list[tuple[list[Node], list[Node]]]


@dataclass(slots=True)
class Leave(Node):
    """return, throw, break, continue, assert."""

    kind: str
    value: Node | None


@dataclass(slots=True)
class Annotation(Node):
    """`@Name(arguments)`."""

    name: str
    arguments: list[Argument]


@dataclass(slots=True)
class Method(Node):
    """A method of a script or class, which is written in `source` up to `end`."""

    source: Source
    end: int
    name: str
    parameters: list[Parameter]
    body: list[Node]


@dataclass(slots=True)
class Class(Node):
    """A class with its members: methods, fields (`Assign`) and inner classes."""

    name: str
    parent: str | None
    members: list[Node]


@dataclass(slots=True)
class Import(Node):
    """`import a.b.C as name`; `*` and static ones too."""

    path: str
    name: str
    static: bool


@dataclass(slots=True)
class Block(Node):
    """Statements that run in their place (`synchronized`, static blocks)."""

    body: list[Node]
