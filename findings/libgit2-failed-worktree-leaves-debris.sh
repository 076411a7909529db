#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  libgit2 1.5.1 (Debian 12), git_worktree_add()
# Behaviour: an add that fails, since the folder above the new tree is not there, leaves
#            .git/worktrees/NAME behind. From then on every add of that name fails, with a good path
#            too. `git worktree list` does not show it; only `git worktree prune` takes it away.
# Seen:      2026-11-29 (the first add, what is left, an add with a good path, prune, that add again):
#              -1: failed to make directory '…/missing/tree': No such file or directory
#              left: story
#              -4: failed to make directory '…/project/.git/worktrees/story': directory exists
#              Removing worktrees/story: gitdir file does not exist
#              0: made
# For us:    src/git: everything is checked before the call, and removed after a failure.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get --quiet=2 download libgit2-1.5=1.5.1+ds-1+deb12u2 libgit2-dev=1.5.1+ds-1+deb12u2 \
    libhttp-parser2.9 libmbedcrypto7 libmbedtls14 libmbedx509-1 libssh2-1 >/dev/null 2>&1 || exit 77
for package in *.deb; do
    dpkg --extract "$package" "$folder"
done
libraries=$folder/usr/lib/$(uname -m)-linux-gnu

cat >add.c <<'END'
#include <git2.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    git_repository *repository = NULL;
    git_worktree *worktree = NULL;
    git_libgit2_init();
    if (git_repository_open(&repository, argv[1]) < 0)
        return 77;
    int r = git_worktree_add(&worktree, repository, "story", argv[2], NULL);
    printf("%d: %s\n", r, r < 0 ? git_error_last()->message : "made");
    return 0;
}
END
gcc -o add add.c -I"$folder/usr/include" -L"$libraries" -lgit2 -Wl,-rpath,"$libraries" \
    -Wl,-rpath-link,"$libraries" || exit 77

git init --quiet --initial-branch=main project
git -C project -c user.name=a -c user.email=a@b commit --quiet --allow-empty --message one
seen=$(
    ./add project "$folder/missing/tree"
    printf 'left: %s\n' "$(ls project/.git/worktrees)"
    ./add project "$folder/tree"
    git -C project worktree prune --verbose 2>&1
    ./add project "$folder/tree"
)
seen=${seen//$folder/…}
printf '%s\n' "$seen"
[ "$seen" = "-1: failed to make directory '…/missing/tree': No such file or directory
left: story
-4: failed to make directory '…/project/.git/worktrees/story': directory exists
Removing worktrees/story: gitdir file does not exist
0: made" ]
