#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  libgit2 1.5.1 (Debian 12, with pcre2), git_remote_list()
# Behaviour: each name of the configuration that is not a remote's costs memory that is never freed:
#            what libgit2 matches names with is released only where the name matches. About 20 KB a
#            name and call, so that a list of remotes in a repository with 200 other settings leaks
#            some 4 MB each time.
# Seen:      2026-11-29, the growth of a process over 50 lists of remotes:
#              few settings: 4 MiB, 200 more: 201 MiB
# For us:    git's work is done by storkit-git, a process that goes after half a minute.
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

cat >list.c <<'END'
#include <git2.h>
#include <malloc.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    git_repository *repository = NULL;
    git_libgit2_init();
    if (git_repository_open(&repository, argv[1]) < 0)
        return 77;
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (int i = 0; i < 50; i++) {
        git_strarray remotes = {0};
        if (git_remote_list(&remotes, repository) < 0)
            return 77;
        git_strarray_dispose(&remotes);
    }
    printf("%zu\n", (mallinfo2().uordblks + mallinfo2().hblkhd - before) >> 20);
    return 0;
}
END
gcc -o list list.c -I"$folder/usr/include" -L"$libraries" -lgit2 -Wl,-rpath-link,"$libraries"

# grown: by how many MiB a process grows that lists the remotes of the repository $1 50 times
grown() {
    LD_LIBRARY_PATH=$libraries HOME=$folder ./list "$1"
}

export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git init --quiet few
git init --quiet many
for i in $(seq 200); do
    printf '[setting "s%d"]\n\tvalue = %d\n' "$i" "$i"
done >>many/.git/config
few=$(grown few) many=$(grown many)
printf 'few settings: %s MiB, 200 more: %s MiB\n' "$few" "$many"
[ "$many" -gt 100 ] && [ $((few * 10)) -lt "$many" ]
