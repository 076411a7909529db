/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "speech.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static char session[256];
static unsigned turns;

void set_session_id(const char *id)
{
    snprintf(session, sizeof(session), "%s", id);
}

static const char *session_id(void)
{
    if (!session[0]) {
        FILE *file = fopen("/proc/sys/kernel/random/uuid", "re");
        if (!file || fscanf(file, "%36s", session) != 1)
            set_session_id("00000000-0000-4000-8000-000000000000");
        if (file)
            fclose(file);
    }
    return session;
}

static char unescape_one(const char **in)
{
    unsigned byte;
    switch (**in) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'e':
        return '\033';
    case 'x':
        if (sscanf(*in + 1, "%2x", &byte) != 1)
            return 'x';
        *in += 2;
        return (char)byte;
    default:
        return **in;
    }
}

char *unescape(const char *text, size_t *ret_length)
{
    char *bytes = strdup(text), *out = bytes;
    for (const char *in = text; *in; in++) {
        if (*in == '\\' && in[1]) {
            in++;
            *out++ = unescape_one(&in);
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    if (ret_length)
        *ret_length = (size_t)(out - bytes);
    return bytes;
}

void say_bytes(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return;
        bytes += written;
        length -= (size_t)written;
    }
}

void say_text(const char *text)
{
    say_bytes(text, strlen(text));
}

void say_line(const char *text)
{
    char *line;
    int length = asprintf(&line, "%s\n", text);
    say_bytes(line, (size_t)length);
    free(line);
}

/* @text as a JSON string, quotes and all. Caller frees. */
static char *quote(const char *text)
{
    char *quoted = malloc(6 * strlen(text) + 3), *out = quoted;
    *out++ = '"';
    for (const char *in = text; *in; in++) {
        if (*in == '"' || *in == '\\')
            out += sprintf(out, "\\%c", *in);
        else if ((unsigned char)*in < ' ')
            out += sprintf(out, "\\u%04x", *in);
        else
            *out++ = *in;
    }
    strcpy(out, "\"");
    return quoted;
}

void say_init(void)
{
    char *line, *folder = getcwd(NULL, 0), *quoted = quote(folder ? folder : "");
    if (asprintf(&line,
                 "{\"type\":\"system\",\"subtype\":\"init\",\"cwd\":%s,\"session_id\":\"%s\","
                 "\"tools\":[],\"mcp_servers\":[],\"model\":\"stand-in\","
                 "\"permissionMode\":\"bypassPermissions\"}",
                 quoted, session_id()) >= 0)
        say_line(line);
    free(line);
    free(quoted);
    free(folder);
}

void say_assistant(const char *text)
{
    char *line, *quoted = quote(text);
    turns++;
    if (asprintf(&line,
                 "{\"type\":\"assistant\",\"message\":{\"id\":\"msg_%u\",\"type\":\"message\","
                 "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":%s}]},"
                 "\"parent_tool_use_id\":null,\"session_id\":\"%s\"}",
                 turns, quoted, session_id()) >= 0)
        say_line(line);
    free(line);
    free(quoted);
}

void say_result(const char *error)
{
    char *line, *quoted = quote(error ? error : "Done.");
    if (asprintf(&line,
                 "{\"duration_api_ms\":1,\"type\":\"result\",\"subtype\":\"success\","
                 "\"is_error\":%s,\"num_turns\":%u,\"result\":%s,\"session_id\":\"%s\","
                 "\"total_cost_usd\":0.0125,\"usage\":{\"input_tokens\":100,"
                 "\"output_tokens\":20}}",
                 error ? "true" : "false", turns, quoted, session_id()) >= 0)
        say_line(line);
    free(line);
    free(quoted);
}

void say_argv(int argc, char **argv)
{
    char *line;
    size_t length;
    FILE *stream = open_memstream(&line, &length);
    fputs("{\"type\":\"argv\",\"argv\":[", stream);
    for (int i = 0; i < argc; i++) {
        char *quoted = quote(argv[i]);
        fprintf(stream, "%s%s", i > 0 ? "," : "", quoted);
        free(quoted);
    }
    fputs("]}\n", stream);
    fclose(stream);
    say_bytes(line, length);
    free(line);
}

void say_numbered_lines(long count, const char *prefix)
{
    char buffer[65536];
    size_t used = 0;
    for (long i = 1; i <= count; i++) {
        if (used + strlen(prefix) + 32 > sizeof(buffer)) {
            say_bytes(buffer, used);
            used = 0;
        }
        used += (size_t)snprintf(buffer + used, sizeof(buffer) - used, "%s %08ld\n", prefix, i);
    }
    say_bytes(buffer, used);
}

/* One line of the flood, of @size bytes with its newline, or as few as its frame needs. */
static char *flood_line(const char *type, long size, long *ret_length)
{
    char *frame, *line;
    int start = asprintf(&frame,
                         "{\"type\":\"%s\",\"message\":{\"role\":\"%s\",\"content\":[{\"type\":"
                         "\"text\",\"text\":\"",
                         type, type);
    int end_length = asprintf(&line, "\"}]},\"session_id\":\"%s\"}\n", session_id());
    long filling = size > start + end_length ? size - start - end_length : 0;
    char *whole = malloc((size_t)(start + filling + end_length));
    memcpy(whole, frame, (size_t)start);
    memset(whole + start, 'x', (size_t)filling);
    memcpy(whole + start + filling, line, (size_t)end_length);
    *ret_length = start + filling + end_length;
    free(frame);
    free(line);
    return whole;
}

void say_flood(long size, long line_size)
{
    long lengths[2];
    char *lines[2] = {flood_line("assistant", line_size, &lengths[0]),
                      flood_line("user", line_size, &lengths[1])};
    long pair = lengths[0] + lengths[1], pairs = 65536 / pair + 1;
    char *block = malloc((size_t)(pairs * pair));
    for (long i = 0; i < pairs; i++) {
        memcpy(block + i * pair, lines[0], (size_t)lengths[0]);
        memcpy(block + i * pair + lengths[0], lines[1], (size_t)lengths[1]);
    }
    for (; size > 0; size -= pairs * pair)
        say_bytes(block, (size_t)(pairs * pair));
    free(block);
    free(lines[0]);
    free(lines[1]);
}

static void copy_file(int fd)
{
    char buffer[65536];
    ssize_t length;
    while ((length = read(fd, buffer, sizeof(buffer))) > 0)
        say_bytes(buffer, (size_t)length);
}

int say_file(const char *path)
{
    struct termios before, raw;
    int terminal = tcgetattr(STDOUT_FILENO, &before) == 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (terminal) {
        raw = before;
        raw.c_oflag &= ~(tcflag_t)OPOST;
        tcsetattr(STDOUT_FILENO, TCSADRAIN, &raw);
    }
    copy_file(fd);
    if (terminal)
        tcsetattr(STDOUT_FILENO, TCSADRAIN, &before);
    close(fd);
    return 0;
}

void say_request(const char *id, const char *tool, const char *input)
{
    char *line;
    if (asprintf(&line,
                 "{\"type\":\"control_request\",\"request_id\":\"%s\",\"request\":{"
                 "\"subtype\":\"can_use_tool\",\"tool_name\":\"%s\",\"display_name\":\"%s\","
                 "\"input\":%s,\"permission_suggestions\":[{\"type\":\"addRules\",\"rules\":[{"
                 "\"toolName\":\"%s\"}],\"behavior\":\"allow\",\"destination\":\"localSettings\"}"
                 "],\"tool_use_id\":\"toolu_%s\"}}",
                 id, tool, tool, input, tool, id) >= 0)
        say_line(line);
    free(line);
}

static void say_outcome(const char *id)
{
    char *line;
    if (asprintf(&line,
                 "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":[{"
                 "\"tool_use_id\":\"toolu_%s\",\"type\":\"tool_result\",\"content\":\"done\"}]},"
                 "\"session_id\":\"%s\"}",
                 id, session_id()) >= 0)
        say_line(line);
    free(line);
}

static void take_answer(const char *answer)
{
    static const char key[] = "\"request_id\":\"";
    const char *id = strstr(answer, key);
    say_text("{\"type\":\"answered\",\"answer\":");
    say_text(answer);
    say_line("}");
    if (!id)
        return;
    id += strlen(key);
    char *name = strndup(id, strcspn(id, "\""));
    say_outcome(name);
    free(name);
}

void take_answers(long count)
{
    char *line = NULL;
    size_t size = 0;
    while (count > 0 && getline(&line, &size, stdin) >= 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!strstr(line, "\"control_response\""))
            continue;
        take_answer(line);
        count--;
    }
    free(line);
}

static void say_user(const char *text)
{
    char *line, *quoted = quote(text);
    if (asprintf(&line,
                 "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":%s},"
                 "\"session_id\":\"%s\"}",
                 quoted, session_id()) >= 0)
        say_line(line);
    free(line);
    free(quoted);
}

void answer_input(void)
{
    char *line = NULL, answer[64];
    size_t size = 0;
    for (unsigned messages = 0; getline(&line, &size, stdin) >= 0;) {
        line[strcspn(line, "\r\n")] = '\0';
        say_user(line);
        if (!strstr(line, "\"type\":\"user\""))
            continue;
        snprintf(answer, sizeof(answer), "answer %u", ++messages);
        say_assistant(answer);
        say_result(NULL);
    }
    free(line);
}
