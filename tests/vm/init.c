/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * init: PID 1 of the virtual machine's initramfs. Loads the modules that lie there, mounts the
 * machine's files and the folder that is shared with it, and becomes the script in that.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES "/modules" /* a line for each, in the order in which they need each other */
#define ROOT "/root"
#define SHARED "/mnt" /* within ROOT: any folder there that is always empty */
#define OPTIONS "trans=virtio,version=9p2000.L,msize=512000"

_Noreturn static void give_up(const char *what)
{
    perror(what);
    reboot(RB_POWER_OFF);
    _exit(1);
}

static void load_modules(void)
{
    char name[128];
    FILE *list = fopen(MODULES, "re");

    if (!list)
        give_up(MODULES);
    while (fscanf(list, "%127s", name) == 1) {
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
            give_up(name);
        close(fd);
    }
    fclose(list);
}

int main(void)
{
    load_modules();
    if (mount("root", ROOT, "9p", MS_RDONLY, OPTIONS ",cache=loose") < 0)
        give_up("the machine's files");
    if (mount("shared", ROOT SHARED, "9p", 0, OPTIONS) < 0)
        give_up("the shared folder");
    if (mount("devtmpfs", ROOT "/dev", "devtmpfs", 0, NULL) < 0)
        give_up("/dev");
    if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
        give_up(ROOT);
    execl("/bin/bash", "bash", SHARED "/run", NULL);
    give_up("/bin/bash");
}
