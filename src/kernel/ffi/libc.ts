import { lazily } from './lazily.ts';
import { bindFunctions, openLibrary } from './library.ts';

/**
 * The C library's calls that Node does not offer. They are thin: every call returns what C returns, and the caller
 * passes negative results through `checked`. Pointers to memory are Uint8Array, in and out.
 */
export interface LibC {
  setns(fd: number, type: number): number;
  unshare(flags: number): number;
  mount(
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ): number;
  umount2(target: string, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  listen(fd: number, backlog: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  /** `headers` are `count` times struct mmsghdr. */
  recvmmsg(fd: number, headers: Uint8Array, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, headers: Uint8Array, count: number, flags: number): number;
  poll: PollCall;
  eventfd(value: number, flags: number): number;
  /** 0 for none. */
  if_nametoindex(name: string): number;
  close(fd: number): number;
  memfd_create(name: string, flags: number): number;
  malloc_trim(pad: number): number;
  pidfd_open(pid: number, flags: number): number;
  pidfd_send_signal(fd: number, signal: number, info: null, flags: number): number;
}

/** `descriptors` are `count` times struct pollfd; asynchronously it waits in a thread of Node's pool. */
export interface PollCall {
  (descriptors: Uint8Array, count: number, milliseconds: number): number;
  async(
    descriptors: Uint8Array,
    count: number,
    milliseconds: number,
    done: (error: Error | null, result: number) => void,
  ): void;
}

const prototypes = [
  'int setns(int fd, int type)',
  'int unshare(int flags)',
  'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
  'int umount2(const char *target, int flags)',
  'int socket(int domain, int type, int protocol)',
  'int bind(int fd, const void *address, uint length)',
  'int connect(int fd, const void *address, uint length)',
  'int listen(int fd, int backlog)',
  'int setsockopt(int fd, int level, int option, const void *value, uint length)',
  'int getsockopt(int fd, int level, int option, void *value, void *length)',
  'intptr_t send(int fd, const void *bytes, size_t length, int flags)',
  'intptr_t recv(int fd, void *bytes, size_t length, int flags)',
  'int recvmmsg(int fd, void *headers, uint count, int flags, void *timeout)',
  'int sendmmsg(int fd, void *headers, uint count, int flags)',
  'int poll(void *descriptors, ulong count, int milliseconds)',
  'int eventfd(uint value, int flags)',
  'uint if_nametoindex(const char *name)',
  'int close(int fd)',
  'int memfd_create(const char *name, uint flags)',
  'int malloc_trim(size_t pad)',
  'int pidfd_open(int pid, uint flags)',
  'int pidfd_send_signal(int fd, int signal, void *info, uint flags)',
] as const;

export const libc = lazily((): LibC => {
  const library = openLibrary({ file: 'libc.so.6', package: 'libc6' });
  // The prototypes above have the names and shapes of the interface.
  return bindFunctions(library, prototypes) as unknown as LibC;
});

/** <sched.h>, <sys/mount.h>, <sys/socket.h>: Linux, the same on every architecture that Node 24 runs on. */
export const constants = {
  CLONE_NEWNET: 0x4000_0000,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_SHARED: 0x10_0000,
  MNT_DETACH: 2,
  AF_INET: 2,
  AF_INET6: 10,
  AF_PACKET: 17,
  AF_NETLINK: 16,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_RCVTIMEO: 20,
  SO_SNDBUFFORCE: 32,
  SO_RCVBUFFORCE: 33,
  SO_NETNS_COOKIE: 71,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  IPPROTO_IP: 0,
  IP_FREEBIND: 15,
  IPV6_FREEBIND: 78,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  POLLIN: 1,
  EFD_NONBLOCK: 0o4000,
  EFD_CLOEXEC: 0o2000000,
  MFD_CLOEXEC: 1,
} as const;
