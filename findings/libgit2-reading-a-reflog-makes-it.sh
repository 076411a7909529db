#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  libgit2 1.5.1 (Debian 12), git_reflog_read()
# Behaviour: reading the reflog of a reference that has none creates an empty file for it, so a check
#            that only reads changes the repository. git_reference_has_log() creates nothing.
# Seen:      2026-11-30, the files below .git/logs before and after one read of refs/heads/quiet:
#              before: -
#              after: logs/refs/heads/quiet (0 bytes), and 0 entries were read
# For us:    src/git/lost-commits.c asks whether there is a log first.
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

cat >look.c <<'END'
#include <git2.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    git_repository *repository = NULL;
    git_reflog *log = NULL;
    git_libgit2_init();
    if (git_repository_open(&repository, argv[1]) < 0 ||
        git_reference_has_log(repository, argv[2]) != 0 ||
        git_reflog_read(&log, repository, argv[2]) < 0)
        return 77;
    printf("%zu\n", git_reflog_entrycount(log));
    return 0;
}
END
gcc -o look look.c -I"$folder/usr/include" -L"$libraries" -lgit2 -Wl,-rpath-link,"$libraries"

export HOME=$folder GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
git init --quiet --initial-branch=main repository
cd repository
git -c user.name=n -c user.email=n@example.org commit --quiet --allow-empty --message=one
git config core.logAllRefUpdates false
rm -r .git/logs
git branch quiet
logs() {
    [ ! -e .git/logs ] || (cd .git && find logs -type f -printf '%p (%s bytes)')
}
before=$(logs)
entries=$(LD_LIBRARY_PATH=$libraries ../look . refs/heads/quiet)
after=$(logs)
printf 'before: %s\nafter: %s, and %s entries were read\n' "${before:--}" "${after:--}" "$entries"
[ -z "$before" ] && [ "$after" = "logs/refs/heads/quiet (0 bytes)" ] && [ "$entries" = 0 ]
