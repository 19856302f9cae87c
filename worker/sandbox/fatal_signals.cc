// See fatal_signals.h. A fault that an instruction of ours caused kills the first process as well as any other, so the
// handlers only put the default action back and, for a signal that was merely sent, do the deed themselves.
#include "worker/sandbox/fatal_signals.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

namespace sluice::worker {
namespace {

// Handlers run on a stack of their own, because the usual one may be what overflowed.
alignas(64) std::array<std::byte, std::size_t{16} * 1024> handler_stack;

void cause(int signal) {
  switch (signal) {
    case SIGILL:
      __builtin_trap();
    case SIGABRT:
      ::_exit(128 + SIGABRT);
#ifdef __x86_64__
    case SIGFPE:
      asm volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx");
      break;
    case SIGBUS:  // an unaligned access while the alignment check flag is on
      asm volatile("pushfq; orl $0x40000, (%%rsp); popfq; movl 1(%0), %%eax" ::"r"(handler_stack.data())
                   : "eax", "memory");
      break;
#endif
    default:
      break;
  }
  *reinterpret_cast<volatile int*>(std::uintptr_t{0}) = 0;  // NOLINT(clang-analyzer-core.NullDereference): on purpose
}

void handle(int signal, siginfo_t* info, void* /*context*/) {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  (void)::sigaction(signal, &standard, nullptr);
  if (info->si_code > 0 && signal != SIGABRT)
    return;  // a real fault: the instruction runs again, and this time it is deadly
  cause(signal);
}

}  // namespace

void make_signals_fatal() {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  (void)::sigaction(SIGPIPE, &ignore, nullptr);

  stack_t before{};
  (void)::sigaltstack(nullptr, &before);
  if ((before.ss_flags & SS_DISABLE) != 0) {
    const stack_t stack{.ss_sp = handler_stack.data(), .ss_flags = 0, .ss_size = handler_stack.size()};
    (void)::sigaltstack(&stack, nullptr);
  }
  struct sigaction action{};
  action.sa_sigaction = handle;
  // NODEFER: cause() must be able to fault inside the handler
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    struct sigaction now{};
    (void)::sigaction(signal, nullptr, &now);
    // a sanitizer's handler prints a report and exits: leave it
    if ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL) (void)::sigaction(signal, &action, nullptr);
  }
}

}  // namespace sluice::worker
