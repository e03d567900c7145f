/* One question to the agent over its unix socket, one answer back, never longer than the deadline. */
#include "plugin.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A unix socket refuses with EAGAIN while its backlog is full: many pods start at once. */
static int connect_before(int fd, const struct sockaddr_un *address, int64_t deadline) {
  while (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
    if (errno != EAGAIN && errno != EINTR) return errno;
    if (now_milliseconds() >= deadline) return ETIMEDOUT;
    struct timespec pause = {.tv_nsec = 5000000};
    nanosleep(&pause, NULL);
  }
  return 0;
}

static int send_all(int fd, const struct text *question, int64_t deadline) {
  size_t sent = 0;
  while (sent < question->length) {
    if (!wait_for(fd, POLLOUT, deadline)) return ETIMEDOUT;
    ssize_t count = send(fd, question->bytes + sent, question->length - sent, MSG_NOSIGNAL);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return errno;
    sent += (size_t)count;
  }
  return shutdown(fd, SHUT_WR) == 0 ? 0 : errno;
}

static enum exchange outcome_of(int error) {
  errno = error;
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
      return AGENT_DOWN;
    case ETIMEDOUT:
      return AGENT_HUNG;
    default:
      return EXCHANGE_FAILED;
  }
}

enum exchange ask_agent(const char *socket_path, const struct text *question, struct text *answer, int64_t deadline) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(socket_path) >= sizeof address.sun_path) return outcome_of(ENAMETOOLONG);
  memcpy(address.sun_path, socket_path, strlen(socket_path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return outcome_of(errno);
  int error = connect_before(fd, &address, deadline);
  if (error == 0) error = send_all(fd, question, deadline);
  if (error == 0) {
    long length = read_to_end(fd, answer->bytes, answer->capacity, deadline);
    if (length < 0) error = errno;
    else if (length == 0) error = ECONNRESET;
    else answer->length = (size_t)length;
  }
  close(fd);
  return error == 0 ? EXCHANGED : outcome_of(error);
}
