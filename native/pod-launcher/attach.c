/*
 * Attached clients. A client that reads slowly holds the container's output back, as a terminal does, but only for
 * STALL_SECONDS: then it is dropped. Input is read only while the program takes it.
 */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 5, OUT_SIZE = 160 << 10, OUT_HIGH = 96 << 10, IN_SIZE = 32 << 10, STALL_SECONDS = 10 };
enum frame { FRAME_INPUT = 0, FRAME_SIZE = 4, FRAME_INPUT_END = 255 };

struct client {
  int fd; /* -1: free */
  char *out;
  size_t out_length;
  time_t moved; /* when it last took bytes, or had none waiting */
  unsigned char in[HEADER + IN_SIZE];
  size_t in_length;
  bool gave_input;
};

struct attach {
  int listener;
  int program_input; /* -1: none, or ended */
  int terminal;      /* -1: none */
  bool input_once;
  char pending[IN_SIZE];
  size_t pending_length;
  bool input_ends; /* after what is pending */
  struct client *clients[ATTACH_CLIENTS];
};

static time_t seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

struct attach *attach_listen(const char *path, int program_input, int terminal, bool input_once) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail("the socket path %s is too long", path);
  strcpy(address.sun_path, path);
  struct attach *attach = calloc(1, sizeof *attach);
  if (attach == NULL) fail("out of memory");
  attach->program_input = program_input;
  attach->terminal = terminal;
  attach->input_once = input_once;
  attach->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  unlink(path);
  if (attach->listener < 0 || bind(attach->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen(attach->listener, ATTACH_CLIENTS) < 0)
    fail_errno("the socket %s cannot be opened", path);
  return attach;
}

static void end_input(struct attach *attach) {
  if (attach->program_input < 0) return;
  close(attach->program_input);
  attach->program_input = -1;
  attach->pending_length = 0;
}

static void drop(struct attach *attach, size_t index) {
  struct client *client = attach->clients[index];
  attach->clients[index] = NULL;
  if (attach->input_once && client->gave_input && attach->terminal < 0) {
    if (attach->pending_length == 0) end_input(attach);
    else attach->input_ends = true;
  }
  close(client->fd);
  free(client->out);
  free(client);
}

static void welcome(struct attach *attach) {
  int fd = accept4(attach->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  for (size_t index = 0; index < ATTACH_CLIENTS; index++) {
    if (attach->clients[index] != NULL) continue;
    struct client *client = calloc(1, sizeof *client);
    if (client != NULL && (client->out = malloc(OUT_SIZE)) != NULL) {
      client->fd = fd;
      client->moved = seconds();
      attach->clients[index] = client;
      return;
    }
    free(client);
    break;
  }
  close(fd);
}

size_t attach_poll(struct attach *attach, struct pollfd *polls) {
  bool pending = attach->pending_length > 0;
  polls[0] = (struct pollfd){.fd = attach->listener, .events = POLLIN};
  polls[1] = (struct pollfd){.fd = pending ? attach->program_input : -1, .events = POLLOUT};
  for (size_t index = 0; index < ATTACH_CLIENTS; index++) {
    const struct client *client = attach->clients[index];
    short events = client == NULL ? 0 : (short)((pending ? 0 : POLLIN) | (client->out_length > 0 ? POLLOUT : 0));
    polls[2 + index] = (struct pollfd){.fd = client == NULL ? -1 : client->fd, .events = events};
  }
  return ATTACH_POLLS;
}

static void write_pending(struct attach *attach) {
  if (attach->pending_length == 0) return;
  ssize_t length = attach->program_input < 0 ? -1 : write(attach->program_input, attach->pending, attach->pending_length);
  if (length < 0 && attach->program_input >= 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length < 0) {
    end_input(attach);
    attach->pending_length = 0;
    return;
  }
  attach->pending_length -= (size_t)length;
  memmove(attach->pending, attach->pending + length, attach->pending_length);
  if (attach->pending_length == 0 && attach->input_ends) end_input(attach);
}

/* One complete frame at the head of `in`; false when the client breaks the rules. */
static bool take_frame(struct attach *attach, struct client *client, size_t length) {
  const unsigned char *body = client->in + HEADER;
  switch (client->in[0]) {
    case FRAME_INPUT:
      client->gave_input = true;
      if (attach->program_input < 0) return true;
      memcpy(attach->pending, body, length);
      attach->pending_length = length;
      write_pending(attach);
      return true;
    case FRAME_SIZE:
      if (length != 4) return false;
      if (attach->terminal >= 0)
        resize_terminal(attach->terminal, (unsigned)body[0] << 8 | body[1], (unsigned)body[2] << 8 | body[3]);
      return true;
    case FRAME_INPUT_END:
      client->gave_input = true;
      if (attach->input_once && attach->terminal < 0) end_input(attach);
      return true;
    default: return false;
  }
}

/* False when the client is gone or breaks the rules. */
static bool read_client(struct attach *attach, struct client *client) {
  ssize_t got = read(client->fd, client->in + client->in_length, sizeof client->in - client->in_length);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  client->in_length += (size_t)got;
  while (client->in_length >= HEADER && attach->pending_length == 0) {
    const unsigned char *head = client->in;
    size_t length = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (length > IN_SIZE) return false;
    if (client->in_length < HEADER + length) break;
    if (!take_frame(attach, client, length)) return false;
    client->in_length -= HEADER + length;
    memmove(client->in, client->in + HEADER + length, client->in_length);
  }
  return got > 0;
}

static bool write_client(struct client *client) {
  ssize_t length = send(client->fd, client->out, client->out_length, MSG_NOSIGNAL);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  client->out_length -= (size_t)length;
  memmove(client->out, client->out + length, client->out_length);
  client->moved = seconds();
  return true;
}

void attach_handle(struct attach *attach, const struct pollfd *polls) {
  if (polls[1].revents != 0) write_pending(attach);
  for (size_t index = 0; index < ATTACH_CLIENTS; index++) {
    struct client *client = attach->clients[index];
    if (client == NULL) continue;
    short events = polls[2 + index].revents;
    if (client->out_length == 0) client->moved = seconds();
    bool stalled = seconds() - client->moved > STALL_SECONDS;
    bool gone = events & (POLLHUP | POLLERR) && !(events & POLLIN);
    if (stalled || gone || (events & POLLOUT && !write_client(client)) ||
        (events & POLLIN && !read_client(attach, client)))
      drop(attach, index);
  }
  if (polls[0].revents != 0) welcome(attach);
}

void attach_output(struct attach *attach, uint8_t stream, const char *bytes, size_t length) {
  for (size_t index = 0; index < ATTACH_CLIENTS; index++) {
    struct client *client = attach->clients[index];
    if (client == NULL) continue;
    if (client->out_length + HEADER + length > OUT_SIZE) {
      drop(attach, index);
      continue;
    }
    char *at = client->out + client->out_length;
    const unsigned char header[HEADER] = {stream, (unsigned char)(length >> 24), (unsigned char)(length >> 16),
                                          (unsigned char)(length >> 8), (unsigned char)length};
    memcpy(at, header, HEADER);
    memcpy(at + HEADER, bytes, length);
    client->out_length += HEADER + length;
    if (!write_client(client)) drop(attach, index);
  }
}

bool attach_congested(const struct attach *attach) {
  for (size_t index = 0; index < ATTACH_CLIENTS; index++)
    if (attach->clients[index] != NULL && attach->clients[index]->out_length > OUT_HIGH) return true;
  return false;
}

/* The container has ended: what is left goes out, for a bounded time, and the socket goes away. */
void attach_finish(struct attach *attach, const char *path) {
  unlink(path);
  for (size_t index = 0; index < ATTACH_CLIENTS; index++) {
    struct client *client = attach->clients[index];
    if (client == NULL) continue;
    struct pollfd writable = {.fd = client->fd, .events = POLLOUT};
    while (client->out_length > 0 && poll(&writable, 1, STALL_SECONDS * 1000) > 0)
      if (!write_client(client)) break;
    close(client->fd);
  }
}
