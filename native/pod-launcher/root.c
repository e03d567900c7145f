/*
 * The container's file system: the host's root as the read-only lower layer of an overlay, a writable layer in
 * memory, and the plan's mounts on it. Sources are taken as detached mounts while the host's root is still there;
 * targets are looked up after the root has changed, so that no symbolic link in the container leads out of it.
 */
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int open_beneath(int directory, const char *path, uint64_t flags) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

/* A missing path below a volume (`subPath`) is made as directories, one step at a time, never through a link. */
static int make_beneath(int directory, const char *path) {
  char *copy = strdup(path);
  char *state = NULL;
  int at = dup(directory);
  struct stat volume;
  if (at < 0 || fstat(at, &volume) < 0) fail_errno("the volume of %s cannot be read", path);
  for (char *part = strtok_r(copy, "/", &state); part != NULL; part = strtok_r(NULL, "/", &state)) {
    /* Never chmod: a container of the pod could put a link in its place. The set-group-id bit is inherited. */
    mode_t mask = umask(0);
    int made = mkdirat(at, part, volume.st_mode & 0777);
    umask(mask);
    if (made < 0 && errno != EEXIST) fail_errno("the directory %s cannot be made", path);
    int below = open_beneath(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (below < 0) fail_errno("the path %s cannot be used", path);
    close(at);
    at = below;
  }
  free(copy);
  return at;
}

static void take_source(struct operation *operation) {
  int source = open(operation->source, O_PATH | O_CLOEXEC);
  if (source < 0) fail_errno("the mount source %s cannot be opened", operation->source);
  if (operation->inside[0] != 0) {
    int inside = open_beneath(source, operation->inside, O_PATH);
    if (inside < 0 && errno == ENOENT) inside = make_beneath(source, operation->inside);
    if (inside < 0) fail_errno("the path %s in %s cannot be used", operation->inside, operation->source);
    close(source);
    source = inside;
  }
  struct stat status;
  if (fstat(source, &status) < 0) fail_errno("the mount source %s cannot be read", operation->source);
  operation->tree_is_directory = S_ISDIR(status.st_mode);
  operation->tree = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (operation->tree < 0) fail_errno("the mount source %s cannot be bound", operation->source);
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (operation->read_only ? MOUNT_ATTR_RDONLY : 0)};
  if (mount_setattr(operation->tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
    fail_errno("the mount of %s cannot be made read-only", operation->source);
  close(source);
}

/* mkdir -p; in the writable layer the directories copy owner and mode of the host's, which they stand in for. */
static void make_directories(const char *root, const char *path, bool like_host) {
  char full[4096];
  size_t base = strlen(root);
  if ((size_t)snprintf(full, sizeof full, "%s%s", root, path) >= sizeof full) fail("the path %s is too long", path);
  for (char *slash = full + base + 1;; slash++) {
    if (*slash != '/' && *slash != 0) continue;
    char kept = *slash;
    *slash = 0;
    bool made = mkdir(full, 0755) == 0;
    if (!made && errno != EEXIST) fail_errno("the directory %s cannot be made in the container", full + base);
    struct stat host;
    if (made && like_host && stat(full + base, &host) == 0 &&
        (chown(full, host.st_uid, host.st_gid) < 0 || chmod(full, host.st_mode & 07777) < 0))
      fail_errno("the directory %s cannot be given its owner", full + base);
    *slash = kept;
    if (kept == 0) return;
  }
}

static void hide(const char *layer, const struct operation *operation) {
  char *real = realpath(operation->target, NULL);
  char full[4096];
  struct stat status;
  if (real == NULL || stat(real, &status) < 0) {
    free(real);
    return; /* the host has nothing there */
  }
  if ((size_t)snprintf(full, sizeof full, "%s%s", layer, real) >= sizeof full) fail("the path %s is too long", real);
  if (!S_ISDIR(status.st_mode)) {
    char *slash = strrchr(real, '/');
    if (slash != real) {
      *slash = 0;
      make_directories(layer, real, true);
    }
    if (mknod(full, S_IFCHR, makedev(0, 0)) < 0) fail_errno("the file %s cannot be hidden", operation->target);
  } else {
    make_directories(layer, real, true);
    if (setxattr(full, "trusted.overlay.opaque", "y", 1, 0) < 0 ||
        chmod(full, (mode_t)strtoul(operation->mode, NULL, 8)) < 0)
      fail_errno("the directory %s cannot be hidden", operation->target);
  }
  free(real);
}

static void mount_overlay(const struct plan *plan) {
  const char *stage = plan->stage;
  char layer[4096], work[4096], root[4096], options[9000];
  snprintf(layer, sizeof layer, "%s/layer", stage);
  snprintf(work, sizeof work, "%s/work", stage);
  snprintf(root, sizeof root, "%s/root", stage);
  snprintf(options, sizeof options, "mode=755,size=%s", plan->layer_bytes);
  if (mount("fairlead", stage, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
    fail_errno("the container's writable layer cannot be mounted at %s", stage);
  if (mkdir(layer, 0755) < 0 || mkdir(work, 0755) < 0 || mkdir(root, 0755) < 0)
    fail_errno("the container's writable layer cannot be prepared");
  for (size_t i = 0; i < plan->operation_count; i++)
    if (plan->operations[i].kind == OPERATION_HIDE) hide(layer, &plan->operations[i]);
  snprintf(options, sizeof options, "lowerdir=/,upperdir=%s,workdir=%s,volatile", layer, work);
  if (mount("fairlead", root, "overlay", MS_NODEV | MS_NOSUID, options) < 0) {
    if (errno == ENODEV) fail("the kernel has no overlay file system: load the module `overlay`");
    fail_errno("the container's root cannot be mounted as an overlay on the host's root");
  }
  if (chdir(root) < 0) fail_errno("the container's root cannot be entered");
}

static void change_root(void) {
  if (syscall(SYS_pivot_root, ".", ".") < 0) fail_errno("the container's root cannot become the root");
  if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0) fail_errno("the host's root cannot be left");
}

/* A file's target that is a symbolic link (resolv.conf often is) is replaced, not followed. */
static void make_file(const char *target) {
  char *parent = strdup(target);
  char *slash = strrchr(parent, '/');
  if (slash != NULL && slash != parent) {
    *slash = 0;
    make_directories("", parent, false);
  }
  free(parent);
  struct stat status;
  if (lstat(target, &status) == 0 && S_ISLNK(status.st_mode) && unlink(target) < 0)
    fail_errno("the link %s cannot be replaced in the container", target);
  int fd = open(target, O_CREAT | O_RDONLY | O_CLOEXEC, 0644);
  if (fd < 0) fail_errno("the mount point %s cannot be made in the container", target);
  close(fd);
}

static void place(const struct operation *operation) {
  if (operation->tree_is_directory) make_directories("", operation->target, false);
  else make_file(operation->target);
  if (move_mount(operation->tree, "", AT_FDCWD, operation->target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
    fail_errno("%s cannot be mounted in the container", operation->target);
  close(operation->tree);
}

static void mount_at(const char *kind, const char *target, unsigned long flags, const char *options) {
  make_directories("", target, false);
  if (mount(kind, target, kind, flags, options) < 0) fail_errno("%s cannot be mounted at %s", kind, target);
}

static void fill_devices(const char *target) {
  static const struct {
    const char *name;
    unsigned major, minor;
  } devices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
  static const struct {
    const char *name, *to;
  } links[] = {{"fd", "/proc/self/fd"},
               {"stdin", "/proc/self/fd/0"},
               {"stdout", "/proc/self/fd/1"},
               {"stderr", "/proc/self/fd/2"},
               {"ptmx", "pts/ptmx"}};
  mount_at("tmpfs", target, MS_NOSUID | MS_NOEXEC, "mode=755,size=1m");
  if (chdir(target) < 0) fail_errno("%s cannot be entered", target);
  mode_t mask = umask(0);
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (mknod(devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) < 0)
      fail_errno("the device %s cannot be made", devices[i].name);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    if (symlink(links[i].to, links[i].name) < 0) fail_errno("the link %s cannot be made", links[i].name);
  if (mkdir("pts", 0755) < 0 || mkdir("shm", 01777) < 0) fail_errno("%s cannot be filled", target);
  umask(mask);
  if (mount("devpts", "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5") < 0 ||
      mount("shm", "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=64m") < 0)
    fail_errno("%s cannot be filled", target);
  if (chdir("/") < 0) fail_errno("the root cannot be entered");
}

static void make_read_only(const char *path) {
  int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (tree < 0 && errno == ENOENT) return;
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0 ||
      move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    fail_errno("%s cannot be made read-only", path);
  close(tree);
}

static void carry_out(const struct operation *operation) {
  switch (operation->kind) {
    case OPERATION_HIDE: return; /* done with the writable layer */
    case OPERATION_BIND: place(operation); return;
    case OPERATION_TMPFS: mount_at("tmpfs", operation->target, MS_NOSUID | MS_NODEV, operation->mode); return;
    case OPERATION_PROC: mount_at("proc", operation->target, MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL); return;
    case OPERATION_SYSFS:
      mount_at("sysfs", operation->target,
               MS_NOSUID | MS_NODEV | MS_NOEXEC | (operation->read_only ? MS_RDONLY : 0), NULL);
      return;
    case OPERATION_DEV: fill_devices(operation->target); return;
    case OPERATION_READ_ONLY: make_read_only(operation->target); return;
  }
}

void build_root(const struct plan *plan) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail_errno("mounts cannot be made private");
  for (size_t i = 0; i < plan->operation_count; i++)
    if (plan->operations[i].kind == OPERATION_BIND) take_source(&plan->operations[i]);
  mount_overlay(plan);
  change_root();
  for (size_t i = 0; i < plan->operation_count; i++) carry_out(&plan->operations[i]);
  if (plan->read_only_root) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    if (mount_setattr(AT_FDCWD, "/", 0, &attributes, sizeof attributes) < 0)
      fail_errno("the container's root cannot be made read-only");
  }
}
