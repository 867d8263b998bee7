"""The syntax tree of a POSIX shell or bash script (layer 1).

Positions are offsets into the script's text. A word that holds neither quotes nor expansions is a plain
`str`, which is most of them; every other one is a `Word`. Nodes are written once by the parser and then
only read: they are shared by everything that runs the same text.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Literal:
    """Text as written; quoted text is neither split, nor a glob, nor a brace expansion."""

    text: str
    quoted: bool


@dataclass(slots=True)
class Parameter:
    """`$name`, `${name…}`. `operator` is "" or one of bash's (`:-`, `#`, `//`, `:` for a slice…).

    `index` is the subscript as written, `length` says `${#name}`, `indirect` says `${!name}`.
    """

    name: str
    quoted: bool
    operator: str = ""
    argument: "AnyWord" = ""
    index: str | None = None
    length: bool = False
    indirect: bool = False


@dataclass(slots=True)
class Substitution:
    """`$(…)` and backticks; `<(…)` and `>(…)` have their first character in `process`."""

    body: "Block"
    quoted: bool
    process: str = ""


@dataclass(slots=True)
class Arithmetic:
    """`$((…))`: the expression as written, and the substitutions inside it."""

    text: str
    quoted: bool


@dataclass(slots=True)
class Hole:
    """A piece that the pipeline fills in before the shell sees it; `name` says what stood there."""

    name: str
    quoted: bool


Part = Literal | Parameter | Substitution | Arithmetic | Hole


@dataclass(slots=True)
class Word:
    """A word with quotes or expansions, from `start` to `end`; `constant` is its text where nothing expands.

    `lines_up` says that `constant` stands in the source character by character, from `start + 1` on.
    """

    start: int
    end: int
    parts: list[Part]
    constant: str | None = None
    alternatives: "list[AnyWord] | None" = None
    lines_up: bool = False


AnyWord = str | Word


@dataclass(slots=True)
class Assignment:
    """`name=value`, `name+=value`, `name[index]=value`, `name=(…)`."""

    name: str
    value: AnyWord
    append: bool = False
    index: str | None = None
    array: "list[AnyWord | Assignment] | None" = None


@dataclass(slots=True)
class Redirection:
    """`operator` is `<`, `>`, `>>`, `<<`, `<<<`, `&>`, `>&`…; `descriptor` is the number before it, or "".

    For a here-document `target` is its body, which starts at the offset `body`; `stripped` is `<<-`.
    """

    operator: str
    target: AnyWord
    descriptor: str = ""
    body: int = 0
    literal: bool = False


@dataclass(slots=True)
class Simple:
    """A simple command; declarations (`export`, `local`…) have assignments among their words."""

    start: int
    end: int
    words: list[AnyWord | Assignment]
    assignments: list[Assignment]
    redirections: list[Redirection]


@dataclass(slots=True)
class Pipe:
    """`a | b | c`."""

    commands: "list[Node]"


@dataclass(slots=True)
class Chain:
    """`a && b || c`: the operator stands before its command, the first one has "". `!` is "not"."""

    items: "list[tuple[str, Node]]"


@dataclass(slots=True)
class Not:
    """`! command`."""

    command: "Node"


@dataclass(slots=True)
class Block:
    """Commands one after the other: a script, a loop's body, `{ …; }` or, with its own state, `( … )`."""

    commands: "list[Node]"
    subshell: bool = False


@dataclass(slots=True)
class If:
    """`if … then … elif … else … fi`."""

    arms: list[tuple[Block, Block]]
    otherwise: Block | None


@dataclass(slots=True)
class While:
    """`while` and `until`; the arithmetic `for ((…))` has an empty condition."""

    condition: Block
    body: Block
    until: bool = False


@dataclass(slots=True)
class For:
    """`for` and `select`; without `in`, `words` is None: the positional parameters."""

    start: int
    name: str
    words: list[AnyWord] | None
    body: Block


@dataclass(slots=True)
class Case:
    """`case word in pattern) … ;; esac`; `falls` says that an arm ends with `;&` or `;;&`."""

    word: AnyWord
    arms: list[tuple[list[AnyWord], Block, bool]]


@dataclass(slots=True)
class Function:
    """A function's definition."""

    start: int
    name: str
    body: "Node"


@dataclass(slots=True)
class Test:
    """`[[ … ]]` or `(( … ))`: nothing runs there but the substitutions in its words.

    `compared` are all words of `[[` with a single comparison.
    """

    words: list[AnyWord]
    compared: list[AnyWord] = field(default_factory=list)


@dataclass(slots=True)
class Redirected:
    """A compound command with redirections."""

    command: "Node"
    redirections: list[Redirection]


Node = Simple | Pipe | Chain | Not | Block | If | While | For | Case | Function | Test | Redirected


@dataclass(slots=True)
class Mistake:
    """A syntax error: what was expected, and where."""

    offset: int
    message: str


@dataclass(slots=True)
class Tree:
    """A parsed script: what could be read, and the first mistakes."""

    body: Block
    mistakes: list[Mistake] = field(default_factory=list)
