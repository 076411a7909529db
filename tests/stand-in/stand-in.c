/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clang-format off: it would fill the table below as if it were prose */
/*
 * stand-in: an agent for the tests. It takes Claude's command line, ignores all of it but
 * `--resume ID`, speaks Claude's stream-json, and does what a scenario tells it to.
 *
 * The scenario is the environment variable STAND_IN or else what follows the first "stand-in:" in
 * an argument (so in the prompt); without either it is `init; text Hello.; result; exit 0`.
 * Statements are separated by ';' or newlines, "\;" is a semicolon; after the last one it exits 0.
 * In TEXT, \n \r \t \e \\ and \xNN stand for those bytes. A SIZE may end in K, M or G.
 *
 *   It speaks:
 *   init                   the system/init line
 *   text TEXT              an assistant line with that text
 *   result                 a result line that reports success
 *   result error TEXT      one with is_error
 *   json OBJECT            that line, as written
 *   print TEXT             that line
 *   bytes TEXT             the same without the newline
 *   lines N [PREFIX]       N lines "PREFIX 00000001"…; the default prefix is "line"
 *   flood SIZE [LINESIZE]  that many bytes of assistant and user lines, as fast as they are taken
 *   replay FILE            that file's bytes; nothing a terminal does to output is done to them
 *
 *   It says what it finds:
 *   argv                   a line {"type":"argv","argv":[…]}
 *   env NAME               "NAME=VALUE", or "NAME unset"
 *   cwd                    its working folder
 *   size                   "size ROWS COLUMNS" of the terminal, and again at every SIGWINCH
 *   read                   until the end of stdin, each of its lines as a user line; one that is a
 *                          user message gets an assistant line and a result for an answer
 *
 *   It asks, as Claude does with `--permission-prompt-tool stdio`:
 *   ask ID TOOL INPUT      a control request, ID being its name and that of the tool's use
 *   answers N              until N of them are answered on stdin: each answer as a line
 *                          {"type":"answered","answer":…}, and the outcome of the tool's use
 *
 *   It waits for something, changes something, uses something up:
 *   wait FILE              until there is such a file
 *   touch FILE             makes it
 *   write FILE TEXT        makes it, with that text in it
 *   commit MESSAGE         all that is in the working folder, with git
 *   sleep MS               idle for so long
 *   cpu MS                 busy until it has used that much CPU time
 *   memory SIZE            takes it, touches it, keeps it
 *   children N KIND        N processes that never end; see family.c for the kinds. They are all set
 *                          up when it prints {"type":"children","pids":[…]}
 *
 *   It runs other statements:
 *   later MS STATEMENT     a child does that after so long
 *   repeat N STATEMENT     N times
 *   on SIGNAL STATEMENT    when that signal comes; a SIGNAL is a name such as TERM
 *
 *   It ends, or does not:
 *   ignore SIGNAL          from now on
 *   kill SIGNAL            itself
 *   idle                   until killed
 *   exit N                 at once
 */
/* clang-format on */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "family.h"
#include "speech.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int argument_count;
static char **arguments;

static void run_statement(const char *statement);

_Noreturn static void fail(const char *statement, const char *what)
{
    fprintf(stderr, "stand-in: %s: %s\n", statement, what);
    exit(2);
}

static void sleep_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Reads a number off the front of *@text and steps over the space behind it. */
static long take_number(const char **text)
{
    char *end;
    long number = strtol(*text, &end, 10);
    if (end == *text)
        fail(*text, "a number is missing");
    *text = end + strspn(end, " ");
    return number;
}

static long take_size(const char **text)
{
    static const char units[] = "KMG";
    char *end;
    long size = strtol(*text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        size <<= 10 * (unit - units + 1);
        end++;
    }
    *text = end + strspn(end, " ");
    return size;
}

static char *take_word(const char **text)
{
    size_t length = strcspn(*text, " ");
    char *word = strndup(*text, length);
    *text += length;
    *text += strspn(*text, " ");
    return word;
}

static int take_signal(const char **text)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"CONT", SIGCONT}, {"HUP", SIGHUP},   {"INT", SIGINT},   {"KILL", SIGKILL},
                   {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV}, {"STOP", SIGSTOP},
                   {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}};
    char *name = take_word(text);
    for (size_t i = 0; i < COUNT(signals); i++)
        if (strcmp(name, signals[i].name) == 0) {
            free(name);
            return signals[i].number;
        }
    fail(name, "not a signal that I know");
}

/* Statements that wait for signals: what to do when one comes. Output is written as it is made,
 * without a buffer, so a handler may run any statement. */
static char *reactions[64];

static void react(int signal_number)
{
    run_statement(reactions[signal_number]);
}

static void on_signal(int signal_number, const char *statement)
{
    struct sigaction action = {.sa_handler = react, .sa_flags = SA_RESTART};
    reactions[signal_number] = strdup(statement);
    sigaction(signal_number, &action, NULL);
}

static void do_on(const char *text)
{
    int signal_number = take_signal(&text);
    on_signal(signal_number, text);
}

static void do_ignore(const char *text)
{
    signal(take_signal(&text), SIG_IGN);
}

static void do_kill(const char *text)
{
    kill(getpid(), take_signal(&text));
}

static void do_idle(const char *text)
{
    for (;;)
        pause();
}

/* Statements that look around. */

static void do_argv(const char *text)
{
    say_argv(argument_count, arguments);
}

static void do_env(const char *text)
{
    const char *value = getenv(text);
    say_text(text);
    say_text(value ? "=" : " unset");
    say_line(value ? value : "");
}

static void do_cwd(const char *text)
{
    char *folder = getcwd(NULL, 0);
    say_line(folder ? folder : strerror(errno));
    free(folder);
}

static void print_size(void)
{
    struct winsize size = {0};
    char line[64];
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    snprintf(line, sizeof(line), "size %u %u", size.ws_row, size.ws_col);
    say_line(line);
}

static void do_size(const char *text)
{
    if (!reactions[SIGWINCH])
        on_signal(SIGWINCH, "size");
    print_size();
}

/* Statements that change something. */

static void do_wait(const char *text)
{
    while (access(text, F_OK) < 0)
        sleep_ms(5);
}

static void do_touch(const char *text)
{
    int fd = open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        fail(text, strerror(errno));
    close(fd);
}

static void do_write(const char *text)
{
    char *path = take_word(&text);
    FILE *file = fopen(path, "we");
    if (!file)
        fail(path, strerror(errno));
    size_t length;
    char *bytes = unescape(text, &length);
    fwrite(bytes, 1, length, file);
    fclose(file);
    free(bytes);
    free(path);
}

static void run_program(char *const argv[])
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        fail(argv[0], "failed");
}

static void do_commit(const char *text)
{
    run_program((char *[]){"git", "add", "--all", NULL});
    run_program((char *[]){"git", "-c", "user.name=stand-in", "-c", "user.email=stand-in@localhost",
                           "commit", "--quiet", "--allow-empty", "-m", (char *)text, NULL});
}

/* Statements that use something up. */

static void do_sleep(const char *text)
{
    sleep_ms(take_number(&text));
}

static void do_cpu(const char *text)
{
    clock_t end = clock() + take_number(&text) * (CLOCKS_PER_SEC / 1000);
    while (clock() < end)
        ;
}

static void do_memory(const char *text)
{
    size_t size = (size_t)take_size(&text);
    volatile char *kept = malloc(size); /* or the compiler sees that nobody reads it */
    if (!kept)
        fail("memory", strerror(errno));
    for (size_t at = 0; at < size; at += 4096)
        kept[at] = 1;
}

/* Statements that run others. */

static void do_later(const char *text)
{
    long ms = take_number(&text);
    if (fork() != 0)
        return;
    sleep_ms(ms);
    run_statement(text);
    _exit(0);
}

static void do_repeat(const char *text)
{
    for (long left = take_number(&text); left > 0; left--)
        run_statement(text);
}

static void do_children(const char *text)
{
    long count = take_number(&text);
    if (family_start(count, text) < 0)
        fail(text, "not a kind of children that I know");
}

/* Statements that speak. */

static void do_result(const char *text)
{
    char *word = take_word(&text);
    say_result(strcmp(word, "error") == 0 ? text : NULL);
    free(word);
}

static void do_json(const char *text)
{
    say_line(text);
}

static void do_text(const char *text)
{
    char *bytes = unescape(text, NULL);
    say_assistant(bytes);
    free(bytes);
}

static void do_bytes(const char *text)
{
    size_t length;
    char *bytes = unescape(text, &length);
    say_bytes(bytes, length);
    free(bytes);
}

static void do_print(const char *text)
{
    do_bytes(text);
    say_bytes("\n", 1);
}

static void do_lines(const char *text)
{
    long count = take_number(&text);
    say_numbered_lines(count, *text ? text : "line");
}

static void do_flood(const char *text)
{
    long size = take_size(&text);
    say_flood(size, *text ? take_size(&text) : 400);
}

static void do_replay(const char *text)
{
    if (say_file(text) < 0)
        fail(text, strerror(errno));
}

static void do_exit(const char *text)
{
    _exit((int)take_number(&text));
}

static void do_init(const char *text)
{
    say_init();
}

static void do_read(const char *text)
{
    answer_input();
}

static void do_ask(const char *text)
{
    char *id = take_word(&text), *tool = take_word(&text);
    say_request(id, tool, text);
    free(tool);
    free(id);
}

static void do_answers(const char *text)
{
    take_answers(take_number(&text));
}

static const struct {
    const char *name;
    void (*run)(const char *text);
} statements[] = {
    {"answers", do_answers},   {"argv", do_argv},     {"ask", do_ask},       {"bytes", do_bytes},
    {"children", do_children}, {"commit", do_commit}, {"cpu", do_cpu},       {"cwd", do_cwd},
    {"env", do_env},           {"exit", do_exit},     {"flood", do_flood},   {"idle", do_idle},
    {"ignore", do_ignore},     {"init", do_init},     {"json", do_json},     {"kill", do_kill},
    {"later", do_later},       {"lines", do_lines},   {"memory", do_memory}, {"on", do_on},
    {"print", do_print},       {"read", do_read},     {"repeat", do_repeat}, {"replay", do_replay},
    {"result", do_result},     {"size", do_size},     {"sleep", do_sleep},   {"text", do_text},
    {"touch", do_touch},       {"wait", do_wait},     {"write", do_write},
};

static void run_statement(const char *statement)
{
    const char *rest = statement;
    char *name = take_word(&rest);
    for (size_t i = 0; i < COUNT(statements); i++)
        if (strcmp(name, statements[i].name) == 0) {
            free(name);
            statements[i].run(rest);
            return;
        }
    fail(statement, "not a statement that I know");
}

/* Takes the first statement off *@scenario; NULL when there is none left. Caller frees. */
static char *take_statement(const char **scenario)
{
    *scenario += strspn(*scenario, " \t\n;");
    if (!**scenario)
        return NULL;
    char *statement = strdup(*scenario), *out = statement;
    const char *in = *scenario;
    for (; *in && *in != ';' && *in != '\n'; in++) {
        if (in[0] == '\\' && in[1] == ';')
            in++;
        *out++ = *in;
    }
    *scenario = in;
    while (out > statement && out[-1] == ' ')
        out--;
    *out = '\0';
    return statement;
}

static const char *find_scenario(void)
{
    static const char marker[] = "stand-in:";
    const char *scenario = getenv("STAND_IN");
    for (int i = 1; !scenario && i < argument_count; i++) {
        scenario = strstr(arguments[i], marker);
        if (scenario)
            scenario += strlen(marker);
    }
    return scenario ? scenario : "init; text Hello.; result; exit 0";
}

int main(int argc, char **argv)
{
    argument_count = argc;
    arguments = argv;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--resume") == 0)
            set_session_id(argv[i + 1]);

    const char *scenario = find_scenario();
    char *statement;
    while ((statement = take_statement(&scenario))) {
        run_statement(statement);
        free(statement);
    }
    return 0;
}
