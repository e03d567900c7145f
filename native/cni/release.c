/* DEL without the agent: the link goes at once, the addresses when the agent reads the queue. */
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { NAME_DIGITS = 11, KEY_LIMIT = 8192, NETLINK_SECONDS = 5 };

void attachment_link_name(const char *container, const char *interface, char name[LINK_NAME_SIZE]) {
  char bytes[KEY_LIMIT];
  struct text key = {.bytes = bytes, .capacity = sizeof bytes};
  text_add_string(&key, container);
  text_add_string(&key, "/");
  text_add_string(&key, interface);
  name[0] = 'f';
  name[1] = 'l';
  sha256_hex(key.bytes, key.length, name + 2, NAME_DIGITS);
}

int delete_link(const char *name) {
  struct {
    struct nlmsghdr header;
    struct ifinfomsg link;
    struct rtattr attribute;
    char name[16];
  } request = {0};
  request.attribute.rta_type = IFLA_IFNAME;
  request.attribute.rta_len = (unsigned short)(RTA_LENGTH(0) + strlen(name) + 1);
  memcpy(request.name, name, strlen(name));
  request.header.nlmsg_type = RTM_DELLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.link) + RTA_ALIGN(request.attribute.rta_len));

  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  struct timeval limit = {.tv_sec = NETLINK_SECONDS};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  int error = 0;
  union {
    struct nlmsghdr header;
    char bytes[4096];
  } reply;
  if (sendto(fd, &request, request.header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) {
    error = errno;
  } else {
    ssize_t length = recv(fd, &reply, sizeof reply, 0);
    if (length < 0) error = errno;
    else if ((size_t)length < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || reply.header.nlmsg_type != NLMSG_ERROR) error = EPROTO;
    else error = -((struct nlmsgerr *)NLMSG_DATA(&reply.header))->error;
  }
  close(fd);
  return error == ENODEV ? 0 : error;
}

static int write_and_rename(int directory, const char *name, const struct text *content) {
  char temporary[64], final[64];
  snprintf(temporary, sizeof temporary, ".%s.%d", name, (int)getpid());
  snprintf(final, sizeof final, "%s.json", name);
  int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  ssize_t written = write(fd, content->bytes, content->length);
  int error = written < 0 ? errno : (size_t)written < content->length ? ENOSPC : 0;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && renameat(directory, temporary, directory, final) != 0) error = errno;
  if (error != 0) unlinkat(directory, temporary, 0);
  return error;
}

int queue_release(const char *directory, const char *name, const char *container, const char *interface) {
  char bytes[2 * KEY_LIMIT];
  struct text content = {.bytes = bytes, .capacity = sizeof bytes};
  text_add_string(&content, "{\"containerID\":");
  json_add_string(&content, container);
  text_add_string(&content, ",\"ifname\":");
  json_add_string(&content, interface);
  text_add_string(&content, "}\n");
  if (content.full) return EMSGSIZE;
  int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write_and_rename(fd, name, &content);
  close(fd);
  return error;
}
