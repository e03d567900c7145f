/*
 * `exec`: one more process in a running container. Standard streams are the caller's; descriptor 3 is a socket: the
 * caller sends the plan (4 bytes of length, little endian, then the plan) and then, for a terminal, sizes (rows and
 * columns, 2 bytes each, little endian); we send one line: `exit CODE`, `signal NUMBER`, or the sentence of a failure. When
 * the caller closes the socket the process is killed, with its process group.
 */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLAN_LIMIT = 8 << 20, COPY_SIZE = 8 << 10 };

struct terminal {
  int master; /* -1: no terminal */
  char pending[COPY_SIZE];
  size_t pending_length;
  bool input_ended;
  unsigned char size[4];
  size_t size_length;
};

static void answer(int control, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void answer(int control, const char *format, ...) {
  char line[1200];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (write(control, line, (size_t)length) < 0) return; /* nobody is left to hear it */
}

static void read_exactly(int fd, char *bytes, size_t length) {
  while (length > 0) {
    ssize_t got = read(fd, bytes, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("the plan did not arrive");
    bytes += got;
    length -= (size_t)got;
  }
}

static void receive_plan(int control, struct plan *plan) {
  unsigned char header[4];
  read_exactly(control, (char *)header, sizeof header);
  size_t length = header[0] | (size_t)header[1] << 8 | (size_t)header[2] << 16 | (size_t)header[3] << 24;
  if (length > PLAN_LIMIT) fail("the plan is larger than %d bytes", PLAN_LIMIT);
  char *bytes = malloc(length + 1);
  if (bytes == NULL) fail("out of memory");
  read_exactly(control, bytes, length);
  plan_parse(bytes, length, plan);
}

static void enter(const struct plan *plan) {
  int target = (int)syscall(SYS_pidfd_open, plan->enter_pid, 0);
  if (target < 0 || start_time_of(plan->enter_pid) != plan->enter_start_time) fail("the container is not running");
  if (plan->cgroup != NULL) join_cgroup(plan->cgroup);
  if (setns(target, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP) < 0)
    fail_errno("the container cannot be entered");
  close(target);
}

static void copy_in(struct terminal *terminal) {
  ssize_t length = read(STDIN_FILENO, terminal->pending, sizeof terminal->pending);
  if (length > 0) terminal->pending_length = (size_t)length;
  if (length == 0) terminal->input_ended = true;
}

static void write_pending(struct terminal *terminal) {
  ssize_t length = write(terminal->master, terminal->pending, terminal->pending_length);
  if (length <= 0) return;
  terminal->pending_length -= (size_t)length;
  memmove(terminal->pending, terminal->pending + length, terminal->pending_length);
}

/* False when there is nothing more to read, or nobody to read it. */
static bool copy_out(struct terminal *terminal) {
  char bytes[COPY_SIZE];
  ssize_t length = read(terminal->master, bytes, sizeof bytes);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  for (ssize_t done = 0, part; done < length; done += part)
    if ((part = write(STDOUT_FILENO, bytes + done, (size_t)(length - done))) < 0) return false;
  return length > 0;
}

/* False when the caller is gone. */
static bool read_size(struct terminal *terminal, int control) {
  ssize_t length = read(control, terminal->size + terminal->size_length, sizeof terminal->size - terminal->size_length);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  terminal->size_length += (size_t)length;
  if (terminal->size_length == sizeof terminal->size) {
    const unsigned char *size = terminal->size;
    if (terminal->master >= 0) resize_terminal(terminal->master, size[0] | size[1] << 8, size[2] | size[3] << 8);
    terminal->size_length = 0;
  }
  return length > 0;
}

static int stay(pid_t pid, struct terminal *terminal, int control, int children) {
  bool readable = terminal->master >= 0;
  bool caller = true;
  for (;;) {
    bool pending = terminal->pending_length > 0;
    bool wants_input = terminal->master >= 0 && !pending && !terminal->input_ended;
    short master_events = (short)((readable ? POLLIN : 0) | (pending ? POLLOUT : 0));
    struct pollfd polls[] = {{.fd = children, .events = POLLIN},
                             {.fd = caller ? control : -1, .events = POLLIN},
                             {.fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN},
                             {.fd = master_events == 0 ? -1 : terminal->master, .events = master_events}};
    if (poll(polls, 4, -1) < 0 && errno != EINTR) fail_errno("poll failed");
    if (polls[1].revents != 0 && !read_size(terminal, control)) {
      caller = false;
      kill(-pid, SIGKILL); /* what it has started in its group, too */
      kill(pid, SIGKILL);  /* it may not lead a group yet */
    }
    if (polls[2].revents != 0) copy_in(terminal);
    if (polls[3].revents & POLLOUT) write_pending(terminal);
    if (polls[3].revents & (POLLIN | POLLHUP) && !copy_out(terminal)) {
      readable = false;
      terminal->pending_length = 0;
      terminal->input_ended = true;
    }
    if (polls[0].revents == 0) continue;
    struct signalfd_siginfo info;
    while (read(children, &info, sizeof info) > 0) continue;
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) != pid) continue;
    struct pollfd rest = {.fd = terminal->master, .events = POLLIN};
    while (readable && poll(&rest, 1, 0) > 0 && copy_out(terminal)) continue;
    return status;
  }
}

static _Noreturn void be_process(const struct plan *plan, int slave, int channel) {
  failure_channel(channel);
  if (plan->tty) take_terminal(slave);
  else setsid();
  close_above(3, channel);
  become(plan);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execute(plan);
}

int run_exec(struct plan *plan, int control) {
  failure_channel(control);
  if (write(control, "", 0) < 0) fail("descriptor 3 is not a control socket");
  signal(SIGPIPE, SIG_IGN);
  fcntl(control, F_SETFD, FD_CLOEXEC);
  receive_plan(control, plan);
  enter(plan);
  struct terminal terminal = {.master = -1};
  int slave = -1;
  if (plan->tty) {
    terminal.master = open_terminal(&slave);
    fcntl(terminal.master, F_SETFL, O_NONBLOCK);
  }
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) fail_errno("a socket cannot be made");
  int children = watch_children();
  pid_t pid = fork();
  if (pid < 0) fail_errno("the process cannot be started");
  if (pid == 0) be_process(plan, slave, channel[1]);
  close(channel[1]);
  if (plan->tty) close(slave);
  else for (int fd = 0; fd < 3; fd++) close(fd);
  char failure[1100];
  ssize_t length = read(channel[0], failure, sizeof failure - 1);
  if (length > 0) {
    failure[length] = 0;
    waitpid(pid, NULL, 0);
    answer(control, "%s\n", failure);
    return 1;
  }
  int status = stay(pid, &terminal, control, children);
  if (WIFSIGNALED(status)) answer(control, "signal %d\n", WTERMSIG(status));
  else answer(control, "exit %d\n", WEXITSTATUS(status));
  return 0;
}
