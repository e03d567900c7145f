/* `run`: starts a container and stays beside it: streams to the log, records for the runtime. */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 32 << 10, CONGESTED_WAIT = 200 };

/* The near ends are the launcher's, the far ends the program's; -1 where there is none. */
struct streams {
  int near[3];
  int far[3];
};

struct output {
  int fd;
  uint8_t stream;
  struct log_stream *log;
};

static void open_streams(const struct plan *plan, struct streams *streams) {
  *streams = (struct streams){{-1, -1, -1}, {-1, -1, -1}};
  if (plan->tty) return;
  for (int index = 0; index < 3; index++) {
    if (index == 0 && !plan->stdin_open) {
      streams->far[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
      continue;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) fail_errno("a pipe cannot be made");
    streams->near[index] = ends[index == 0];
    streams->far[index] = ends[index != 0];
    fcntl(streams->near[index], F_SETFL, O_NONBLOCK);
  }
}

static _Noreturn void be_container(const struct plan *plan, const struct streams *streams, int channel, int network) {
  failure_channel(channel);
  if (setns(network, CLONE_NEWNET) < 0) fail_errno("the network namespace %s cannot be entered", plan->network_namespace);
  if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP) < 0) fail_errno("namespaces cannot be made");
  if (plan->hostname != NULL && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
    fail_errno("the host name %s cannot be set", plan->hostname);
  build_root(plan);
  if (plan->tty) {
    int slave = -1;
    send_fd(channel, open_terminal(&slave));
    take_terminal(slave);
  } else {
    setsid();
    for (int fd = 0; fd < 3; fd++)
      if (dup2(streams->far[fd], fd) < 0) fail_errno("standard streams cannot be set");
  }
  close_above(3, channel);
  become(plan);
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which clears it */
  execute(plan);
}

static bool out_of_memory(const char *cgroup) {
  char path[4096], text[512];
  snprintf(path, sizeof path, "%s/memory.events", cgroup);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false; /* no memory controller on this hierarchy: not knowable */
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return false;
  text[length] = 0;
  const char *kills = strstr(text, "oom_kill ");
  return kills != NULL && strtoul(kills + strlen("oom_kill "), NULL, 10) > 0;
}

/* False at the end of the stream. */
static bool copy_output(struct output *output, struct attach *attach) {
  char bytes[READ_SIZE];
  ssize_t length = read(output->fd, bytes, sizeof bytes);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (length <= 0) return false;
  log_write(output->log, bytes, (size_t)length);
  if (attach != NULL) attach_output(attach, output->stream, bytes, (size_t)length);
  return true;
}

static void drain(struct output *outputs, struct attach *attach) {
  for (int index = 0; index < 2; index++) {
    struct pollfd waiting = {.fd = outputs[index].fd, .events = POLLIN};
    while (outputs[index].fd >= 0 && poll(&waiting, 1, 0) > 0)
      if (!copy_output(&outputs[index], attach)) break;
    if (outputs[index].log != NULL) log_flush(outputs[index].log);
  }
}

/* Returns the wait status of the container's first process. */
static int stay(pid_t pid, struct output *outputs, struct attach *attach, int children) {
  for (;;) {
    struct pollfd polls[3 + ATTACH_POLLS];
    bool congested = attach != NULL && attach_congested(attach);
    polls[0] = (struct pollfd){.fd = children, .events = POLLIN};
    for (int index = 0; index < 2; index++)
      polls[1 + index] = (struct pollfd){.fd = congested ? -1 : outputs[index].fd, .events = POLLIN};
    size_t count = 3 + (attach == NULL ? 0 : attach_poll(attach, polls + 3));
    if (poll(polls, count, congested ? CONGESTED_WAIT : -1) < 0 && errno != EINTR) fail_errno("poll failed");
    for (int index = 0; index < 2; index++)
      if (polls[1 + index].revents != 0 && !copy_output(&outputs[index], attach)) outputs[index].fd = -1;
    if (attach != NULL) attach_handle(attach, polls + 3);
    if (polls[0].revents == 0) continue;
    struct signalfd_siginfo info;
    while (read(children, &info, sizeof info) > 0) continue;
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid) return status;
  }
}

/* Waits until the program runs; a sentence in `failure` says why it does not. The terminal comes this way, too. */
static void await_start(int channel, char *failure, size_t size, int *terminal) {
  failure[0] = 0;
  for (;;) {
    int fd = -1;
    ssize_t length = receive(channel, failure, size - 1, &fd);
    if (length <= 0) {
      failure[0] = 0;
      return;
    }
    failure[length] = 0;
    if (fd < 0) return;
    *terminal = fd;
  }
}

/* The process namespace of another container: what is in it ends with that one's first process. */
static void join_processes(const struct plan *plan) {
  int target = (int)syscall(SYS_pidfd_open, plan->enter_pid, 0);
  if (target < 0 || start_time_of(plan->enter_pid) != plan->enter_start_time)
    fail("the target container does not run any more");
  if (setns(target, CLONE_NEWPID) < 0) fail_errno("the target container's processes cannot be joined");
  close(target);
}

int run_container(const struct plan *plan) {
  if (plan->exit_record == NULL || plan->pid_record == NULL || plan->log == NULL || plan->stage == NULL ||
      plan->network_namespace == NULL || plan->cgroup == NULL)
    fail("the plan lacks one of: log, pid-record, exit-record, stage, netns, cgroup");
  failure_record(plan->exit_record);
  const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGPIPE};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  setsid();
  umask(022);
  close_above(3, -1);
  struct ending ending = {0};
  clock_gettime(CLOCK_REALTIME, &ending.started);
  struct log_file *log = log_open(plan->log, plan->log_bytes, plan->log_files);
  int network = open(plan->network_namespace, O_RDONLY | O_CLOEXEC);
  if (network < 0) fail_errno("the network namespace %s cannot be opened", plan->network_namespace);
  struct streams streams;
  open_streams(plan, &streams);
  int channel[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) fail_errno("a socket cannot be made");
  join_cgroup(plan->cgroup);
  if (plan->enter_pid > 0) join_processes(plan);
  else if (unshare(CLONE_NEWPID) < 0) fail_errno("a pid namespace cannot be made");
  int children = watch_children();
  pid_t pid = fork();
  if (pid < 0) fail_errno("the container's first process cannot be started");
  if (pid == 0) be_container(plan, &streams, channel[1], network);
  close(channel[1]);
  close(network);
  for (int fd = 0; fd < 3; fd++)
    if (streams.far[fd] >= 0) close(streams.far[fd]);

  char failure[1100];
  int terminal = -1;
  await_start(channel[0], failure, sizeof failure, &terminal);
  int status = 0;
  if (failure[0] != 0) {
    waitpid(pid, &status, 0);
    clock_gettime(CLOCK_REALTIME, &ending.finished);
    ending.exit_code = EXIT_NOT_STARTED;
    ending.message = failure;
    write_exit_record(plan->exit_record, &ending);
    return 1;
  }
  if (terminal >= 0) fcntl(terminal, F_SETFL, O_NONBLOCK);
  write_pid_record(plan->pid_record, pid, ending.started);

  struct output outputs[2] = {{terminal >= 0 ? terminal : streams.near[1], 1, log_stream(log, "stdout")},
                              {streams.near[2], 2, terminal >= 0 ? NULL : log_stream(log, "stderr")}};
  struct attach *attach = NULL;
  if (plan->attach_socket != NULL)
    attach = attach_listen(plan->attach_socket, terminal >= 0 && plan->stdin_open ? dup(terminal) : streams.near[0],
                           terminal, plan->stdin_once);
  status = stay(pid, outputs, attach, children);
  clock_gettime(CLOCK_REALTIME, &ending.finished);
  drain(outputs, attach);
  ending.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ending.exit_code = ending.signal != 0 ? 128 + ending.signal : WEXITSTATUS(status);
  ending.out_of_memory = ending.signal == SIGKILL && out_of_memory(plan->cgroup);
  write_exit_record(plan->exit_record, &ending);
  if (attach != NULL) attach_finish(attach, plan->attach_socket);
  return 0;
}
