/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <sys/socket.h>
#include <sys/un.h>

#include <glib/gstdio.h>

#include "sinks/journal-relay.h"
#include "sinks/journal-writer.h"
#include "base/util.h"

/* As long as an entry can get: an agent's line of 64 KiB in JSON, a message of 16, and paths. */
#define LONG (100u * 1024)

/* Of a storkit-journal's coming up: nothing here takes longer, on a busy machine either. */
#define LIMIT_MSEC 60000
#define SHORT_LIMIT_MSEC 2000

/* storkit-journal's socket, without systemd behind it. */
typedef struct {
    char *folder;
    int fd;
    GByteArray *received; /* the last packet */
} Listener;

static Listener listener;

static void listener_begin(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/storkit-journal", listener.folder);
    listener.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(listener.fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(listener.fd, 5), ==, 0);
    listener.received = g_byte_array_new();
}

static void listener_end(void)
{
    g_autofree char *path = g_build_filename(listener.folder, "storkit-journal", NULL);
    fd_clear(&listener.fd);
    g_unlink(path);
    g_byte_array_unref(listener.received);
}

static int accept_and_greet(void)
{
    int fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(send(fd, "", 1, MSG_NOSIGNAL), ==, 1);
    return fd;
}

static void receive(int fd)
{
    g_byte_array_set_size(listener.received, RELAY_ENTRY_MAX);
    ssize_t length = recv(fd, listener.received->data, RELAY_ENTRY_MAX, 0);
    g_assert_cmpint(length, >, 0);
    g_byte_array_set_size(listener.received, (guint)length);
}

/* The first one dies with the entry in its hands; the second one writes it. */
static gpointer die_then_serve(G_GNUC_UNUSED gpointer data)
{
    autofd first = accept_and_greet();
    receive(first);
    fd_clear(&first);
    autofd second = accept_and_greet();
    receive(second);
    g_assert_cmpint(send(second, "", 1, MSG_NOSIGNAL), ==, 1);
    return NULL;
}

/* The next field of the packet behind *@at. Caller frees. */
static char *next_field(gsize *at)
{
    RelayLength length;
    g_assert_cmpuint(*at + sizeof(length), <=, listener.received->len);
    memcpy(&length, listener.received->data + *at, sizeof(length));
    *at += sizeof(length);
    g_assert_cmpuint(*at + length, <=, listener.received->len);
    char *field = g_strndup((const char *)listener.received->data + *at, length);
    *at += length;
    return field;
}

static void test_second_attempt(void)
{
    g_autofree char *text = g_strnfill(LONG, 'x');
    struct iovec fields[] = {{(char *)"MESSAGE=hello", strlen("MESSAGE=hello")}, {text, LONG}};
    listener_begin();
    g_autoptr(JournalWriter) writer = journal_writer_new(LIMIT_MSEC);
    GThread *thread = g_thread_new("relay", die_then_serve, NULL);
    journal_writer_send(writer, fields, G_N_ELEMENTS(fields));
    g_thread_join(thread);

    gsize at = 0;
    g_autofree char *first = next_field(&at);
    g_autofree char *second = next_field(&at);
    g_assert_cmpstr(first, ==, "MESSAGE=hello");
    g_assert_cmpstr(second, ==, text);
    g_assert_cmpuint(at, ==, listener.received->len);
    listener_end();
}

static gpointer die_at_once(G_GNUC_UNUSED gpointer data)
{
    autofd fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    return NULL;
}

/* One that can't be started is left alone for a while: each attempt is a process of systemd's. */
static void test_left_alone(void)
{
    struct iovec field = {(char *)"MESSAGE=hello", strlen("MESSAGE=hello")};
    listener_begin();
    g_autoptr(JournalWriter) writer = journal_writer_new(LIMIT_MSEC);
    GThread *thread = g_thread_new("relay", die_at_once, NULL);
    for (int i = 0; i < 3; i++)
        journal_writer_send(writer, &field, 1);
    g_thread_join(thread);
    GPollFD others = {.fd = listener.fd, .events = G_IO_IN};
    g_assert_cmpint(g_poll(&others, 1, 0), ==, 0);
    listener_end();
}

/* journald takes nothing for longer than a storkit-journal may need to come up. */
static gpointer serve_slowly(G_GNUC_UNUSED gpointer data)
{
    autofd fd = accept_and_greet();
    receive(fd);
    GPollFD second = {.fd = listener.fd, .events = G_IO_IN};
    int others = g_poll(&second, 1, SHORT_LIMIT_MSEC + 1000);
    g_assert_cmpint(send(fd, "", 1, MSG_NOSIGNAL), ==, 1);
    return GINT_TO_POINTER(others);
}

/* The entry is written once: it is not sent to a second storkit-journal, nor by this process. */
static void test_slow_journald(void)
{
    struct iovec field = {(char *)"MESSAGE=hello", strlen("MESSAGE=hello")};
    listener_begin();
    g_autoptr(JournalWriter) writer = journal_writer_new(SHORT_LIMIT_MSEC);
    GThread *thread = g_thread_new("relay", serve_slowly, NULL);
    journal_writer_send(writer, &field, 1);
    g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(thread)), ==, 0);
    listener_end();
}

int main(int argc, char **argv)
{
    listener.folder = g_dir_make_tmp("storkit-test.XXXXXX", NULL);
    g_setenv("XDG_RUNTIME_DIR", listener.folder, TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/journal-writer/second-attempt", test_second_attempt);
    g_test_add_func("/journal-writer/left-alone", test_left_alone);
    g_test_add_func("/journal-writer/slow-journald", test_slow_journald);
    int result = g_test_run();
    g_rmdir(listener.folder);
    g_free(listener.folder);
    return result;
}
