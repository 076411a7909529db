/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/terminal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios cooked;
static gboolean is_raw;

gboolean terminal_is_stdout(void)
{
    return isatty(STDOUT_FILENO);
}

gboolean terminal_is_stderr(void)
{
    return isatty(STDERR_FILENO);
}

static int columns_of_environment(void)
{
    guint64 columns;
    const char *text = g_getenv("COLUMNS");
    if (!text || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT, &columns, NULL))
        return G_MAXINT;
    return (int)columns;
}

static int width_of(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return columns_of_environment();
}

int terminal_width(void)
{
    return width_of(STDOUT_FILENO);
}

int terminal_stderr_width(void)
{
    return width_of(STDERR_FILENO);
}

void terminal_size(int *ret_rows, int *ret_columns)
{
    struct winsize size = {0};
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *ret_rows = size.ws_row > 0 ? size.ws_row : 24;
    *ret_columns = size.ws_col > 0 ? size.ws_col : 80;
}

static gboolean colours_wanted(void)
{
    const char *no_color = g_getenv("NO_COLOR");
    const char *term = g_getenv("TERM");
    if (!terminal_is_stdout() || (no_color && *no_color))
        return FALSE;
    return term && *term && !g_str_equal(term, "dumb");
}

static gboolean colours_on(void)
{
    static int on = -1;
    if (on < 0)
        on = colours_wanted();
    return on;
}

const char *style_begin(Style style)
{
    static const char *const sequences[] = {
        [STYLE_NONE] = "",         [STYLE_HEADER] = "\033[4m", [STYLE_DIM] = "\033[2m",
        [STYLE_BOLD] = "\033[1m",  [STYLE_GOOD] = "\033[32m",  [STYLE_BAD] = "\033[1;31m",
        [STYLE_WARN] = "\033[33m", [STYLE_NAME] = "\033[36m",
    };
    return colours_on() ? sequences[style] : "";
}

const char *style_end(Style style)
{
    return style != STYLE_NONE && colours_on() ? "\033[0m" : "";
}

gboolean terminal_make_raw(void)
{
    if (tcgetattr(STDIN_FILENO, &cooked) < 0)
        return FALSE;
    struct termios raw = cooked;
    cfmakeraw(&raw);
    is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    return is_raw;
}

void terminal_restore(void)
{
    if (is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
    is_raw = FALSE;
}

/* A terminal may share its non-blocking flag with another program on it: EAGAIN is not an error. */
static gboolean wait_writable(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, -1) >= 0 || errno == EINTR;
}

gboolean terminal_write(const void *data, gsize length)
{
    const char *p = data;
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, p, length);
        if (n < 0 && errno == EAGAIN && wait_writable())
            continue;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FALSE;
        p += n;
        length -= (gsize)n;
    }
    return TRUE;
}
