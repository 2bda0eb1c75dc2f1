/*
 * Many subscribers in one process, as cheap as they can be: listeners PORT MARKER REQUEST GREETING READY
 *
 * Each opens a connection to 127.0.0.1, sends REQUEST, and once it is answered by 101, GREETING; it
 * listens when READY has come after that. These three are written in hexadecimal and may be empty, REQUEST
 * excepted. Messages are counted by MARKER, a character that each has once and nothing else has, so that
 * no frame need be looked at, whatever the protocol and however the bytes come.
 *
 *   connect N      brings the listeners to N in all, counts from zero, then prints `connected N`
 *   await TOTAL    waits until TOTAL messages are counted, as many for each, then prints `heard TOTAL`
 *
 * It ends with an error when a connection is refused or lost, or when it hears more than it was to.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_A_TIME = 64, MOST_EVENTS = 256, MOST_ANSWERED = 8192, MOST_READ = 65536 };

/* The first byte of a ping; ASCII text does not have it. One too many is answered, too: it hurts nobody. */
enum { PING = 0x89 };
static const unsigned char PONG[] = {0x8a, 0x80, 0, 0, 0, 0};

struct bytes {
    unsigned char *data;
    size_t length;
};

struct listener {
    int fd;
    enum { UPGRADING, GREETING, LISTENING } state;
    long heard;
    /* What was said before it listens; NULL from then on. */
    char *answer;
    size_t answered;
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static struct bytes request, greeting, ready;
static int marker, epoll;
static struct listener **listeners;
static int opened, listening, wanted;
static long heard, awaited;
static enum { NOTHING, CONNECT, AWAIT } asked;

_Noreturn static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("listeners: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static struct bytes from_hex(const char *text) {
    struct bytes bytes = {malloc(strlen(text) / 2 + 1), strlen(text) / 2};
    for (size_t at = 0; at < bytes.length; at++)
        if (sscanf(text + 2 * at, "%2hhx", &bytes.data[at]) != 1) fail("not hexadecimal: %s", text);
    return bytes;
}

static void watch(int fd, struct listener *listener) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll: %s", strerror(errno));
}

static void say(const struct listener *listener, struct bytes bytes) {
    if (write(listener->fd, bytes.data, bytes.length) != (ssize_t)bytes.length)
        fail("cannot write: %s", strerror(errno));
}

static void open_another(void) {
    struct listener *listener = calloc(1, sizeof *listener);
    listener->fd = socket(AF_INET, SOCK_STREAM, 0);
    listener->answer = malloc(MOST_ANSWERED);
    if (listener->fd < 0 || connect(listener->fd, (struct sockaddr *)&server, sizeof server) != 0)
        fail("connection %d: %s", opened + 1, strerror(errno));
    /* Reset when this process ends, so that no port is left in TIME_WAIT. */
    setsockopt(listener->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    listeners[opened++] = listener;
    watch(listener->fd, listener);
    say(listener, request);
}

static size_t receive(const struct listener *listener, void *buffer, size_t size) {
    ssize_t length = read(listener->fd, buffer, size);
    if (length > 0) return length;
    fail("a connection was lost: %s", length == 0 ? "closed by the server" : strerror(errno));
}

static void take_answer(struct listener *listener) {
    char *answer = listener->answer;
    if (listener->answered == MOST_ANSWERED) fail("an answer without the end that was awaited");
    listener->answered += receive(listener, answer + listener->answered, MOST_ANSWERED - listener->answered);

    if (listener->state == UPGRADING) {
        char *end = memmem(answer, listener->answered, "\r\n\r\n", 4);
        if (end == NULL) return;
        if (memcmp(answer, "HTTP/1.1 101 ", 13) != 0) fail("refused: %.*s", (int)(end - answer), answer);
        listener->answered -= end + 4 - answer;
        memmove(answer, end + 4, listener->answered);
        say(listener, greeting);
        listener->state = GREETING;
    }
    if (memmem(answer, listener->answered, ready.data, ready.length) == NULL) return;
    listener->state = LISTENING;
    listening++;
    free(answer);
    listener->answer = NULL;
}

static void take_messages(struct listener *listener) {
    static char buffer[MOST_READ];
    size_t length = receive(listener, buffer, sizeof buffer);
    const char *end = buffer + length;
    for (const char *at = buffer; (at = memchr(at, marker, end - at)) != NULL; at++) {
        listener->heard++;
        heard++;
    }
    if (memchr(buffer, PING, length) != NULL)
        say(listener, (struct bytes){(unsigned char *)PONG, sizeof PONG});
}

static void take_command(void) {
    char line[64];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    /* Whoever asked is gone. */
    if (length <= 0) exit(0);
    line[length] = '\0';
    if (sscanf(line, "connect %d", &wanted) == 1) {
        listeners = realloc(listeners, wanted * sizeof *listeners);
        asked = CONNECT;
    } else if (sscanf(line, "await %ld", &awaited) == 1) {
        asked = AWAIT;
    } else {
        fail("not a command: %s", line);
    }
}

static void answer_command(void) {
    if (asked == CONNECT && listening == wanted) {
        for (int at = 0; at < listening; at++) listeners[at]->heard = 0;
        heard = awaited = 0;
        printf("connected %d\n", wanted);
        asked = NOTHING;
    } else if (asked == AWAIT && heard == awaited) {
        for (int at = 0; at < listening; at++)
            if (listeners[at]->heard != listeners[0]->heard) fail("some heard more than others");
        printf("heard %ld\n", heard);
        asked = NOTHING;
    }
}

int main(int count, char **arguments) {
    if (count != 6) fail("expected PORT MARKER REQUEST GREETING READY");
    server.sin_port = htons(atoi(arguments[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    marker = arguments[2][0];
    request = from_hex(arguments[3]);
    greeting = from_hex(arguments[4]);
    ready = from_hex(arguments[5]);

    struct rlimit descriptors;
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    setvbuf(stdout, NULL, _IOLBF, 0);
    epoll = epoll_create1(0);
    watch(STDIN_FILENO, NULL);

    for (;;) {
        while (opened < wanted && opened - listening < AT_A_TIME) open_another();
        struct epoll_event events[MOST_EVENTS];
        /* Who sleeps has to be woken, and on loopback the server pays for that: the more, the slower it is. */
        int timeout = asked == AWAIT ? 0 : -1;
        int happened = epoll_wait(epoll, events, MOST_EVENTS, timeout);
        for (int at = 0; at < happened; at++) {
            struct listener *listener = events[at].data.ptr;
            if (listener == NULL) take_command();
            else if (listener->state == LISTENING) take_messages(listener);
            else take_answer(listener);
        }
        if (heard > awaited && asked == AWAIT) fail("heard %ld messages, not %ld", heard, awaited);
        answer_command();
    }
}
