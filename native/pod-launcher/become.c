/* From the launcher's own rights to the container's: control group, user, groups, capabilities, then the program. */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void join_cgroup(const char *path) {
  char file[4096];
  snprintf(file, sizeof file, "%s/cgroup.procs", path);
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) != 1) fail_errno("the control group %s cannot be entered", path);
  close(fd);
}

void close_above(int first, int keep) {
  if (keep >= first) {
    if (keep > first) close_range((unsigned)first, (unsigned)keep - 1, 0);
    close_range((unsigned)keep + 1, ~0U, 0);
  } else {
    close_range((unsigned)first, ~0U, 0);
  }
}

static void drop_bounding_set(uint64_t kept) {
  for (int capability = 0; capability < 64; capability++) {
    if (kept >> capability & 1) continue;
    if (prctl(PR_CAPBSET_READ, capability) < 0) break; /* past the kernel's last one */
    if (prctl(PR_CAPBSET_DROP, capability) < 0) fail_errno("capability %d cannot be dropped", capability);
  }
}

static void set_capabilities(uint64_t kept) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct have[2];
  if (syscall(SYS_capget, &header, have) < 0) fail_errno("capabilities cannot be read");
  for (int half = 0; half < 2; half++) {
    uint32_t mask = (uint32_t)(kept >> 32 * half);
    have[half].permitted &= mask;
    have[half].effective &= mask;
    have[half].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, have) < 0) fail_errno("capabilities cannot be dropped");
}

void become(const struct plan *plan) {
  drop_bounding_set(plan->capabilities);
  if (setgroups(plan->group_count, plan->groups) < 0) fail_errno("the supplementary groups cannot be set");
  if (setresgid(plan->gid, plan->gid, plan->gid) < 0) fail_errno("group %u cannot be taken", plan->gid);
  if (setresuid(plan->uid, plan->uid, plan->uid) < 0) fail_errno("user %u cannot be taken", plan->uid);
  set_capabilities(plan->capabilities);
  if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail_errno("no_new_privs cannot be set");
}

static void make_working_directory(const char *path) {
  char partial[4096];
  if ((size_t)snprintf(partial, sizeof partial, "%s/", path) >= sizeof partial) fail("workingDir is too long");
  for (char *slash = strchr(partial + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(partial, 0755) < 0 && errno != EEXIST) fail_errno("the working directory %s cannot be made", path);
    *slash = '/';
  }
}

void execute(const struct plan *plan) {
  if (chdir(plan->working_directory) < 0) {
    if (errno == ENOENT) make_working_directory(plan->working_directory);
    if (chdir(plan->working_directory) < 0) fail_errno("the working directory %s cannot be entered", plan->working_directory);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  umask(022);
  extern char **environ;
  environ = plan->environment;
  execvp(plan->arguments[0], plan->arguments);
  if (errno == ENOENT && strchr(plan->arguments[0], '/') == NULL)
    fail("the program \"%s\" was not found in $PATH", plan->arguments[0]);
  fail_errno("the program \"%s\" cannot be run", plan->arguments[0]);
}
