/*
 * The least that a fan-out over WebSockets costs: floor TEXT
 *
 * Lets in everybody, prints `listening PORT`, and for each line `K` on its standard input hands each client
 * K frames of TEXT in one write(), from one buffer that was filled at the start. It asks for no token, parses
 * nothing, counts nothing and queues nothing: what is left is the system's own work of sending.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CLIENTS = 1 << 16, MOST_EVENTS = 256, MOST_FRAMES = 16, MOST_TEXT = 1024, HEADER = 4 };

/* The accept value belongs to the key of RFC 6455, section 1.3, which all who come here send. */
static const char ACCEPTED[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static int clients[MOST_CLIENTS];
static int client_count;
static char frames[MOST_FRAMES * (HEADER + MOST_TEXT)];
static size_t frame_length;

static void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll");
}

/* Texts of 126 bytes and more, as the bench has: shorter ones would have a shorter header. */
static void build_frames(const char *text) {
    size_t length = strlen(text);
    if (length < 126 || length > MOST_TEXT) fail("TEXT has the wrong length");
    frame_length = HEADER + length;
    for (char *frame = frames; frame < frames + MOST_FRAMES * frame_length; frame += frame_length) {
        memcpy(frame, (unsigned char[]){0x81, 126, length >> 8, length & 0xff}, HEADER);
        memcpy(frame + HEADER, text, length);
    }
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&address, size) != 0 || listen(server, SOMAXCONN) != 0) fail("listen");
    getsockname(server, (struct sockaddr *)&address, &size);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return server;
}

static void let_in(int epoll, int server) {
    int client = accept(server, NULL, NULL);
    if (client < 0 || client_count == MOST_CLIENTS) fail("accept");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    clients[client_count++] = client;
    watch(epoll, client);
}

/* Requests come in one piece over loopback, and nothing but requests comes. */
static void answer(int client) {
    char request[4096];
    ssize_t length = read(client, request, sizeof request);
    if (length <= 0) exit(0);
    if (length < 4 || memcmp(request + length - 4, "\r\n\r\n", 4) != 0) fail("a request in pieces");
    if (write(client, ACCEPTED, sizeof ACCEPTED - 1) < 0) fail("write");
}

static void broadcast(void) {
    char line[16] = "";
    if (read(STDIN_FILENO, line, sizeof line - 1) <= 0) exit(0);
    int count = atoi(line);
    if (count < 1 || count > MOST_FRAMES) fail("a wrong number of frames");
    ssize_t length = count * frame_length;
    for (int at = 0; at < client_count; at++)
        if (write(clients[at], frames, length) != length) fail("write");
}

int main(int count, char **arguments) {
    if (count != 2) fail("expected TEXT");
    build_frames(arguments[1]);
    struct rlimit descriptors;
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);

    int epoll = epoll_create1(0);
    int server = listen_anywhere();
    watch(epoll, STDIN_FILENO);
    watch(epoll, server);
    for (;;) {
        struct epoll_event events[MOST_EVENTS];
        int happened = epoll_wait(epoll, events, MOST_EVENTS, -1);
        for (int at = 0; at < happened; at++) {
            int fd = events[at].data.fd;
            if (fd == STDIN_FILENO) broadcast();
            else if (fd == server) let_in(epoll, server);
            else answer(fd);
        }
    }
}
