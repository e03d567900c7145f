/* `pause`: the program of the pause image. As process 1 of its container it also reaps. */
#include "launcher.h"

#include <signal.h>
#include <sys/wait.h>

int run_pause(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  for (;;) {
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGTERM || number == SIGINT) return 0;
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}
