"""The edit: only the bytes of a tag and digest move (layer 1, DESIGN section 6).

bytes -> `reading` -> nodes -> `finders` -> fields -> `plan` -> new text -> `editing` -> bytes -> `verify`.
"""

from cipipe.manifests.editing import Edit, edit, needs_digest, running
from cipipe.manifests.field import Field
from cipipe.manifests.search import Search, is_manifest, may_hold, needles

__all__ = ["Edit", "Field", "Search", "edit", "is_manifest", "may_hold", "needles", "needs_digest", "running"]
