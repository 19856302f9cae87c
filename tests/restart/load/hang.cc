// A program that never says anything: what a broken build may be.
#include <poll.h>

int main() {
  for (;;) (void)::poll(nullptr, 0, -1);
}
