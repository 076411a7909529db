# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each attack is tried twice: without the sandbox, where it must succeed (or the test would prove
nothing), and in it, where it must not. All of them are harmless: their victims are the test's."""

import ctypes
import os
import shutil
import socket
import subprocess
import tempfile

import shimtest
from shimtest import ShimTest

MAKE_FILTER = os.environ.get("STORKIT_MAKE_FILTER", "make-filter")
DEVICES = ["/dev/null", "/dev/tty", "/dev/ptmx", "/dev/pts"]  # the service's has more
SYS_LANDLOCK_CREATE_RULESET = 444

PYTHON = """
import ctypes, errno, fcntl, os, signal, socket, sys, termios
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    r = libc.syscall(*arguments)
    if r < 0: raise OSError(ctypes.get_errno(), 'refused')
    return r
shim = os.getppid()
try:
    %s
except OSError as error:
    print(error)
    sys.exit(7)
sys.exit(0)
"""


def landlock_abi():
    return ctypes.CDLL(None).syscall(SYS_LANDLOCK_CREATE_RULESET, None, 0, 1)


def needs_abi(abi, what):
    return shimtest.unittest.skipUnless(landlock_abi() >= abi, f"this kernel does not hold {what}")


def has_mounts():
    """In a child: whether a user and mount namespace can be had, and used."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run([*unshare, *mount], stderr=subprocess.DEVNULL).returncode == 0


def x86_64():
    return os.uname().machine == "x86_64"


class Sandboxed(ShimTest):
    filter_words = ["no-unix"]
    plan = []

    def setUp(self):
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="shim-sandbox-"))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.reset()

    def reset(self):
        """The folders `in` and `out` as they were."""
        for name in ("in", "out"):
            shutil.rmtree(f"{self.top}/{name}", ignore_errors=True)
            os.makedirs(f"{self.top}/{name}/folder")
        with open(f"{self.top}/out/file", "w") as file:
            file.write("untouched")
        self.before = self.outside()

    def outside(self):
        """What an attacker could have changed."""
        found = {}
        for folder, _, names in os.walk(f"{self.top}/out"):
            found[folder] = None
            for name in names:
                path = f"{folder}/{name}"
                if os.path.islink(path):
                    found[path] = os.readlink(path)
                elif os.path.isfile(path):
                    with open(path) as file:
                        found[path] = file.read()
        return found

    def env(self):
        return {"IN": f"{self.top}/in", "OUT": f"{self.top}/out"}

    def free(self, *argv):
        return self.shim(*argv, env=self.env(), cwd=f"{self.top}/in")

    def confined(self, *argv, plan=None):
        shim = self.shim(*argv, env=self.env(), cwd=f"{self.top}/in", options=["--sandbox"])
        lines = [f"write {path}" for path in (f"{self.top}/in", f"{shim.path}/tmp")]
        lines += [f"device {path}" for path in DEVICES]
        self.write_plan(shim, [f"landlock {min(landlock_abi(), 6)}", *lines,
                               *(self.plan if plan is None else plan)])
        return shim

    def write_plan(self, shim, lines):
        os.mkdir(f"{shim.path}/tmp")
        with open(f"{shim.path}/sandbox", "w") as file:
            file.write("\n".join(["storkit-sandbox 1", *lines, ""]))
        with open(f"{shim.path}/sandbox.filter", "wb") as file:
            subprocess.run([MAKE_FILTER, *self.filter_words], stdout=file, check=True)

    def refused(self, *argv, plan=None):
        """The attack exits with 0 where it succeeds."""
        free = self.free(*argv)
        self.assertEqual(free.start().end()["exit_code"], 0,
                         f"without the sandbox: {free.read().decode()}")
        self.reset()
        confined = self.confined(*argv, plan=plan)
        self.assertNotEqual(confined.start().end()["exit_code"], 0, confined.read().decode())
        self.assertEqual(self.outside(), self.before)

    def refused_sh(self, script, **arguments):
        self.refused("/bin/sh", "-ec", script, **arguments)

    def refused_python(self, statement, **arguments):
        self.refused("/usr/bin/python3", "-c", PYTHON % statement, **arguments)

    def works(self, *argv, plan=None):
        shim = self.confined(*argv, plan=plan)
        self.assertEqual(shim.start().end()["exit_code"], 0, shim.read().decode())
        return shim

    def works_sh(self, script, **arguments):
        return self.works("/bin/sh", "-ec", script, **arguments)


@needs_abi(2, "files")
class Files(Sandboxed):
    def test_a_file_outside(self):
        self.refused_sh("echo x >> $OUT/file")

    def test_a_new_file_outside(self):
        self.refused_sh("echo x > $OUT/new")

    def test_a_new_folder_outside(self):
        self.refused_sh("mkdir $OUT/new")

    def test_removing_outside(self):
        self.refused_sh("rm $OUT/file")

    def test_removing_a_folder_outside(self):
        self.refused_sh("rmdir $OUT/folder")

    def test_renaming_outside(self):
        self.refused_sh("mv $OUT/file $OUT/other")

    def test_moving_in_over_a_file_outside(self):
        self.refused_sh("echo x > $IN/x; mv -f $IN/x $OUT/file")

    def test_moving_a_file_from_outside_in(self):
        self.refused_sh("mv $OUT/file $IN/file; test ! -e $OUT/file")

    def test_a_symbolic_link_outside(self):
        self.refused_sh("ln -s x $OUT/link")

    def test_through_a_symbolic_link(self):
        self.refused_sh("ln -s $OUT $IN/link; echo x >> $IN/link/file")

    def test_through_a_hard_link(self):
        self.refused_sh("ln $OUT/file $IN/link; echo x >> $IN/link")

    def test_through_proc_self_root(self):
        self.refused_sh("echo x >> /proc/self/root/$OUT/file")

    def test_through_the_root_of_the_shim(self):
        self.refused_sh("echo x >> /proc/$PPID/root/$OUT/file")

    def test_through_a_bind_mount_in_a_user_namespace(self):
        self.refused_sh("unshare --user --map-root-user --mount sh -ec "
                        "'mount --bind $OUT $IN/folder; echo x >> $IN/folder/file'")

    def test_a_fifo_outside(self):
        self.refused_sh("mkfifo $OUT/fifo")

    def test_a_child_in_a_session_of_its_own(self):
        self.refused_sh("setsid sh -ec 'echo x >> $OUT/file' < /dev/null")

    @needs_abi(3, "truncation")
    def test_truncation(self):
        self.refused_python("os.truncate(os.environ['OUT'] + '/file', 0)")

    def test_a_secret(self):
        self.refused_sh("cat $OUT/file", plan=[f"unreadable {self.top}/out"])

    def test_a_secret_through_a_hard_link(self):
        self.refused_sh("ln $OUT/file $IN/link; cat $IN/link",
                        plan=[f"unreadable {self.top}/out"])

    def test_a_secret_file_beside_others(self):
        with open(f"{self.top}/public", "w") as file:
            file.write("public")
        plan = [f"unreadable {self.top}/out/file"]
        self.refused_sh("cat $OUT/file", plan=plan)
        self.works_sh("cat $OUT/../public; ls $OUT", plan=plan)

    def test_an_exception_to_what_is_unreadable(self):
        plan = [f"unreadable {self.top}/out", f"read {self.top}/out/file"]
        self.works_sh("cat $OUT/file", plan=plan)

    def test_what_the_agent_needs_works(self):
        self.works_sh("echo a > x; mkdir d; mv x d/y; ln d/y z; rm -r d z; echo > /dev/null;"
                      "cat /etc/passwd > copy; test -s copy")
        self.works("/usr/bin/python3", "-c", "import os, pty, socket; pty.openpty();"
                   "os.write(os.open(os.ttyname(1), os.O_RDWR), b'x'); socket.socketpair()")

    def test_setup_runs_outside_of_it(self):
        shim = self.confined("/bin/sh", "-c", "! echo x > $OUT/agent")
        at = shim.command.index("--")
        shim.command[at:at] = ["--setup", "/", "echo x > $OUT/setup"]
        self.assertEqual(shim.start().end()["exit_code"], 0)
        self.assertIn(f"{self.top}/out/setup", self.outside())

    def test_temporary_files_go_with_the_run(self):
        shim = self.confined("/bin/sh", "-ec", "mkdir $TMP/d; echo x > $TMP/d/file")
        shim.env["TMP"] = f"{shim.path}/tmp"
        self.assertEqual(shim.start().end()["exit_code"], 0)
        self.assertFalse(shim.exists("tmp"))


@needs_abi(2, "files")
class OurOwn(Sandboxed):
    """The shim, its files and its cgroup."""

    def refused_in_folder(self, script):
        """@script finds the run's folder in $RUN."""
        for shim, wanted in ((self.free("/bin/sh", "-ec", script), True),
                             (self.confined("/bin/sh", "-ec", script), False)):
            shim.env["RUN"] = shim.path
            shim.env["CGROUP"] = shim.cgroup
            code = shim.start().end()["exit_code"]
            self.assertEqual(code == 0, wanted, shim.read().decode())

    def test_the_transcript(self):
        self.refused_in_folder("echo x >> $RUN/times")

    def test_the_fifos(self):
        self.refused_in_folder("printf '' > $RUN/control")

    def test_the_plan_of_the_sandbox(self):
        self.refused_in_folder("echo x > $RUN/sandbox")

    def test_leaving_its_cgroup(self):
        self.refused_in_folder("sh -ec 'echo $$ > $CGROUP/cgroup.procs'")

    def test_no_descriptor_is_inherited(self):
        self.works_sh('test "$(echo $(ls /proc/self/fd))" = "0 1 2 3"')  # 3 is the listing's

    @needs_abi(6, "signals")
    def test_a_signal_to_the_shim(self):
        self.refused_python("os.kill(shim, 0)")

    @needs_abi(6, "signals")
    def test_a_signal_to_the_service(self):
        self.refused_python(f"os.kill({os.getpid()}, 0)")

    def test_ptrace(self):
        self.refused_python("PTRACE_SEIZE = 0x4206; libc.ptrace.restype = ctypes.c_long; "
                            "call(101, PTRACE_SEIZE, shim, 0, 0)" if x86_64() else
                            "call(117, 0x4206, shim, 0, 0)")

    def test_pidfd_getfd(self):
        self.refused_python("call(438, call(434, shim, 0), 4, 0)")

    def test_the_memory_of_the_shim(self):
        self.refused_python("open(f'/proc/{shim}/mem', 'rb').close()")

    def test_the_descriptors_of_the_shim(self):
        self.refused_python("os.listdir(f'/proc/{shim}/fd/4/')")


@shimtest.unittest.skipUnless(x86_64(), "system calls have other numbers here")
class SystemCalls(Sandboxed):
    def test_typing_into_the_terminal(self):
        statement = "fcntl.ioctl(0, termios.TIOCSTI, b'x')"
        if self.free("/usr/bin/python3", "-c", PYTHON % statement).start().end()["exit_code"]:
            self.skipTest("this kernel refuses it to everyone")
        self.refused_python(statement)

    def test_typing_with_a_request_that_has_more_bits(self):
        # ioctl's request is an unsigned int to the kernel; a filter sees 64 bits.
        statement = ("b = ctypes.create_string_buffer(b'x'); "
                     "call(16, 0, ctypes.c_ulong(termios.TIOCSTI | 1 << 32), b)")
        if self.free("/usr/bin/python3", "-c", PYTHON % statement).start().end()["exit_code"]:
            self.skipTest("this kernel refuses it to everyone")
        self.refused_python(statement)

    def test_the_keyring(self):
        self.refused_python("call(250, 0, -3, 1)")

    def test_io_uring(self):
        parameters = "ctypes.create_string_buffer(120)"
        statement = f"call(425, 1, {parameters})"
        if self.free("/usr/bin/python3", "-c", PYTHON % statement).start().end()["exit_code"]:
            self.skipTest("this kernel has no io_uring")
        self.refused_python(statement)

    def test_a_call_of_another_architecture(self):
        # x32's getpid: the filter's numbers are not its numbers.
        shim = self.confined("/usr/bin/python3", "-c", PYTHON % "call(0x40000000 + 39)")
        self.assertEqual(shim.start().end()["exit_code"], 7)


@needs_abi(2, "files")
@shimtest.unittest.skipUnless(has_mounts(), "no unprivileged mount namespace here")
class Mounts(Sandboxed):
    """What a mount namespace adds."""
    filter_words = []
    plan = ["mounts own"]

    def test_the_mode_of_a_file(self):
        self.refused_sh("chmod 600 $OUT/file")

    def test_the_times_of_a_file(self):
        self.refused_python("os.utime(os.environ['OUT'] + '/file', (0, 0))")

    def test_the_owner_of_a_file(self):
        self.refused_python("os.chown(os.environ['OUT'] + '/file', os.getuid(), os.getgid())")

    def test_truncation(self):
        self.refused_python("os.truncate(os.environ['OUT'] + '/file', 0)")

    def test_the_mode_in_a_namespace_of_its_own(self):
        self.refused_sh("unshare --user --map-root-user --mount sh -ec "
                        "'mount -o remount,bind,rw / || true; umount $IN || true;"
                        "chmod 600 $OUT/file'")

    def test_it_works_where_it_may(self):
        self.works_sh("echo a > x; mkdir d; mv x d/y; ln d/y z; chmod 600 z; touch -d @0 z;"
                      f'test "$PWD" = $IN; test $(id -u) = {os.getuid()};'
                      f'test $(id -g) = {os.getgid()}; tty; echo x > $(tty)')

    def test_a_hidden_folder_is_empty(self):
        hidden = [f"hide {self.top}/out", f"hide {self.top}/out2"]
        os.mkdir(f"{self.top}/out2")
        self.refused_sh("ls $OUT/file", plan=[*self.plan, *hidden])
        self.works_sh('test -z "$(ls -A $OUT)"; test -z "$(ls -A ${OUT}2)";'
                      "! echo x > $OUT/x; ! echo x > ${OUT}2/x", plan=[*self.plan, *hidden])

    def test_a_hidden_file_cannot_be_opened(self):
        """What the user writes anew beside it can; no ruleset holds the room of what he deletes."""
        os.mkdir(f"{self.top}/out2")
        plan = [*self.plan, f"hide {self.top}/out/file", f"unreadable {self.top}/out/file",
                f"hide {self.top}/out2"]
        self.refused_sh("grep -q untouched $OUT/file", plan=plan)
        self.works_sh("ls $OUT/file", plan=plan)
        shim = self.confined("/bin/sh", "-ec",
                             "while ! cat $OUT/new; do sleep 0.02; done", plan=plan)
        shim.running()
        with open(f"{self.top}/out/new", "w") as file:
            file.write("new")
        self.assertEqual(shim.end()["exit_code"], 0)

    def test_what_may_be_read_in_a_hidden_folder(self):
        plan = [*self.plan, f"hide {self.top}/out", f"read {self.top}/out/file",
                f"read {self.top}/out/none"]
        self.works_sh('test "$(ls $OUT)" = file; cat $OUT/file', plan=plan)
        self.refused_sh("echo x >> $OUT/file", plan=plan)
        self.refused_sh("chmod 600 $OUT/file", plan=plan)

    def test_what_is_kept_in_a_hidden_folder(self):
        plan = [*self.plan, f"hide {self.top}/out", f"keep {self.top}/out/file",
                f"write {self.top}/out/folder", f"keep {self.top}/out/none"]
        self.works_sh('test "$(ls $OUT | xargs)" = "file folder"; cat $OUT/file;'
                      "! echo x >> $OUT/file; echo x > $OUT/folder/x", plan=plan)
        self.assertIn(f"{self.top}/out/folder/x", self.outside())

    def test_a_socket_in_a_hidden_folder(self):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{self.top}/out/socket")
            server.listen()
            plan = [*self.plan, f"hide {self.top}/out"]
            connect = f"socket.socket(socket.AF_UNIX).connect('{self.top}/out/socket')"
            confined = self.confined("/usr/bin/python3", "-c", PYTHON % connect, plan=plan)
            self.assertEqual(confined.start().end()["exit_code"], 7)
            self.works("/usr/bin/python3", "-c", PYTHON % connect,
                       plan=[*plan, f"keep {self.top}/out/socket"])


class Sockets(Sandboxed):
    def setUp(self):
        super().setUp()
        self.server = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.server.close)
        self.path = f"{self.top}/socket"

    connect = "s = socket.socket(socket.AF_UNIX); s.connect({!r})"

    def test_a_kernel_that_takes_no_filter(self):
        make = PYTHON % "socket.socket(socket.AF_UNIX)"
        self.refused("/usr/bin/python3", "-c", make)
        self.works("/usr/bin/python3", "-c", make, plan=["filter none"])

    def test_a_unix_socket(self):
        self.server.bind(self.path)
        self.server.listen()
        self.refused_python(self.connect.format(self.path))

    def test_a_socket_family_with_more_bits(self):
        self.refused_python("call(41, ctypes.c_ulong(1 << 32 | 1), 1, 0)" if x86_64() else
                            "call(198, ctypes.c_ulong(1 << 32 | 1), 1, 0)")

    @needs_abi(6, "abstract sockets")
    def test_an_abstract_socket_where_unix_sockets_are_allowed(self):
        self.filter_words = []
        self.server.bind(f"\0{self.path}")
        self.server.listen()
        self.refused_python(self.connect.format(f"\0{self.path}"))

    def test_unix_sockets_where_they_are_allowed(self):
        self.filter_words = []
        self.server.bind(self.path)
        self.server.listen()
        self.works("/usr/bin/python3", "-c", PYTHON % self.connect.format(self.path))


class Network(Sandboxed):
    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = self.server.getsockname()[1]
        self.connect = f"socket.create_connection(('127.0.0.1', {self.port})).close()"

    def test_all_of_it(self):
        self.filter_words = ["no-unix", "no-network"]
        self.refused_python(self.connect, plan=["network none"])
        self.refused_python("socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
                            plan=["network none"])

    @needs_abi(4, "ports")
    def test_another_port(self):
        self.refused_python(self.connect, plan=["network ports", f"port {self.port ^ 1}"])

    def test_the_port_that_is_allowed(self):
        self.works("/usr/bin/python3", "-c", PYTHON % self.connect,
                   plan=["network ports", f"port {self.port}"])


class Plan(Sandboxed):
    def failed(self, lines):
        shim = self.shim("/bin/true", options=["--sandbox"])
        if lines is not None:
            self.write_plan(shim, lines)
        end = shim.start().end()
        self.assertEqual((end["reason"], end["step"]), ("exec", "sandbox"))

    def test_without_one_nothing_starts(self):
        self.failed(None)

    def test_one_that_promises_more_than_the_kernel_has_is_refused(self):
        self.failed(["landlock 1000"])

    def test_one_that_is_not_understood_is_refused(self):
        for line in ("wirte /tmp", "write tmp", "write", "network some", "port x", "port 70000"):
            self.failed([line])

    def test_without_a_filter_nothing_starts(self):
        shim = self.confined("/bin/true")
        os.unlink(f"{shim.path}/sandbox.filter")
        self.assertEqual(shim.start().end()["step"], "sandbox")

    @needs_abi(2, "files")
    def test_a_command_can_be_run_in_the_confinement_of_a_run(self):
        shim = self.confined("/bin/true")
        command = [shimtest.SHIM, f"--confine={shim.path}", "--", "/bin/sh", "-c"]
        def run(script):
            done = subprocess.run([*command, script], env=self.env(), capture_output=True)
            return done.returncode
        self.assertEqual(run("echo x > $IN/x"), 0)
        self.assertNotEqual(run("echo x > $OUT/x"), 0)
        self.assertEqual(run("exit 5"), 5)
        command[1] = "--confine=/no/such/folder"
        self.assertEqual(run("true"), 2)


if __name__ == "__main__":
    shimtest.main()
