/*
 * fairlead-pod-launcher: the shim beside each container of a standalone cluster.
 *
 *   run PLAN     starts the container of a plan and stays with it until it ends
 *   exec         enters a running container; file descriptor 3 is the control socket (exec.c)
 *   pause        holds a container open and does nothing, until SIGTERM
 */
#include "pod-launcher/launcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PLAN_LIMIT = 8 << 20, CONTROL = 3 };

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "pause") == 0) return run_pause();
  struct plan plan;
  size_t length = 0;
  if (count == 3 && strcmp(arguments[1], "run") == 0) {
    int fd = open(arguments[2], O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail_errno("the plan %s cannot be opened", arguments[2]);
    char *bytes = read_all(fd, PLAN_LIMIT, &length);
    close(fd);
    plan_parse(bytes, length, &plan);
    return run_container(&plan);
  }
  if (count == 2 && strcmp(arguments[1], "exec") == 0) return run_exec(&plan, CONTROL);
  fputs("usage: fairlead-pod-launcher run PLAN | exec | pause\n", stderr);
  return 2;
}
