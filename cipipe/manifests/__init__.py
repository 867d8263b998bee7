"""The edit: only the bytes of a tag and digest move (layer 1, DESIGN section 6).

bytes -> `reading` -> nodes -> `finders` -> fields -> `plan` -> replacements -> `editing` -> bytes -> `verify`.
"""

from cipipe.manifests.editing import Edit, edit, needs_digest, running
from cipipe.manifests.field import Field
from cipipe.manifests.search import is_manifest, may_hold, needles

__all__ = ["Edit", "Field", "edit", "is_manifest", "may_hold", "needles", "needs_digest", "running"]
