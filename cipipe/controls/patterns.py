"""Which branches the patterns of forges' rules mean."""

import re

from cipipe.globs import matches


def fnmatch(pattern: str, branch: str) -> bool:
    """GitHub's patterns: Ruby's `File.fnmatch` with FNM_PATHNAME.

    `*` stays within a part of the name, also when doubled; only `**/` goes through any number of parts; a
    backslash takes the next character as it is. A pattern that is none matches nothing.
    https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository
    """
    plain = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", pattern)
    plain = re.sub(r"\*\*+(?!/)", "*", plain)
    plain = re.sub(r"(?<![/*])(?<!^)\*\*+/", "*/", plain)
    try:
        return matches(plain, branch)
    except ValueError:
        return False


def wildcard(pattern: str, branch: str) -> bool:
    """GitLab's patterns: `*` is any text, '/' too, and nothing else is special.

    https://docs.gitlab.com/user/project/repository/branches/protection_rules/
    """
    parts = pattern.split("*")
    if len(parts) == 1:
        return pattern == branch
    if not (branch.startswith(parts[0]) and branch[len(parts[0]) :].endswith(parts[-1])):
        return False
    rest = branch[len(parts[0]) : len(branch) - len(parts[-1])]
    for part in filter(None, parts[1:-1]):
        _, found, rest = rest.partition(part)
        if not found:
            return False
    return True
