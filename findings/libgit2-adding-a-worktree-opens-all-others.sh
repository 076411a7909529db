#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  libgit2 1.5.1 (Debian 12), git_worktree_add(); beside it git 2.39
# Behaviour: an add for a branch that exists (options.ref) opens the repository of every other
#            worktree with all of git's config, to see whether the branch is checked out there: each
#            worktree makes the next one dearer. `git worktree add` reads their HEADs and the config
#            a fixed number of times. Beside 1,000 others: 2.2 s of CPU, git 0.3 s.
# Seen:      2026-11-30 (how often the project's config is opened, beside 1, 11 and 31 others):
#              1: libgit2 4, git 9
#              11: libgit2 14, git 9
#              31: libgit2 34, git 9
# For us:    src/git/link.c writes the folder in .git/worktrees itself.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v strace >/dev/null || exit 77
apt-get --quiet=2 download libgit2-1.5=1.5.1+ds-1+deb12u2 libgit2-dev=1.5.1+ds-1+deb12u2 \
    libhttp-parser2.9 libmbedcrypto7 libmbedtls14 libmbedx509-1 libssh2-1 >/dev/null 2>&1 || exit 77
for package in *.deb; do
    dpkg --extract "$package" "$folder"
done
libraries=$folder/usr/lib/$(uname -m)-linux-gnu

cat >add.c <<'END'
#include <git2.h>

int main(int argc, char **argv)
{
    git_repository *repository = NULL;
    git_worktree *worktree = NULL;
    git_worktree_add_options options = GIT_WORKTREE_ADD_OPTIONS_INIT;
    git_libgit2_init();
    if (git_repository_open(&repository, argv[1]) < 0 ||
        git_branch_lookup(&options.ref, repository, argv[2], GIT_BRANCH_LOCAL) < 0)
        return 77;
    return git_worktree_add(&worktree, repository, argv[2], argv[3], &options) < 0;
}
END
gcc -o add add.c -I"$folder/usr/include" -L"$libraries" -lgit2 -Wl,-rpath,"$libraries" \
    -Wl,-rpath-link,"$libraries" || exit 77

git init --quiet --initial-branch=main project
git -C project -c user.name=a -c user.email=a@b commit --quiet --allow-empty --message one

# count COMMAND…: how often it opens the project's config
count() {
    strace -f -e trace=openat -o opened "$@" >/dev/null 2>&1
    grep -c 'project/\.git/config"\|"\.git/config"' opened || :
}

made=0
seen=$(
    for others in 1 11 31; do
        while [ $made -lt $others ]; do
            git -C project worktree add --quiet "$folder/other$made" 2>/dev/null
            made=$((made + 1))
        done
        git -C project branch "new$others"
        git -C project branch "own$others"
        library=$(count ./add project "new$others" "$folder/new$others")
        program=$(count git -C project worktree add "$folder/own$others" "own$others")
        echo "$others: libgit2 $library, git $program"
        made=$((made + 2))
    done
)
printf '%s\n' "$seen"
[ "$(sed 's/, git.*//' <<<"$seen")" = "1: libgit2 4
11: libgit2 14
31: libgit2 34" ] && [ "$(sed 's/.*git //' <<<"$seen" | uniq | wc -l)" = 1 ]
