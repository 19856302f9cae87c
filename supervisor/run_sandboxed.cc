// A tool run of the application: see spawn.h. The parent's half is a small poll loop with a deadline; the child's half
// is launch() with more taken away than a worker, which closes its own door: here there is none to close it.
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/sanitizer.h"
#include "base/time.h"
#include "supervisor/launch.h"
#include "supervisor/namespaces.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {
namespace {

constexpr std::size_t kInputLimit = std::size_t{1} << 20;
constexpr std::uint32_t kInnerId = 65'534;  // not 0: exec then drops every right in the user namespace

constexpr std::array kLimits{
    Limit{RLIMIT_CORE, 0},
    Limit{RLIMIT_FSIZE, 0},
    Limit{RLIMIT_NOFILE, 64},
    Limit{RLIMIT_CPU, 20},
    // a sanitizer's shadow memory is address space too
    Limit{RLIMIT_AS, kSanitized ? RLIM_INFINITY : rlim_t{1} << 30},
};

// Standard input that needs nobody to feed it.
Result<Fd> input_file(const std::string& text) {
  if (text.size() > kInputLimit) return fail(Code::kTooLarge, "the input of a tool run");
  Fd file(::memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_errno(errno, "memfd_create");
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t put = ::pwrite(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (put <= 0) return fail_errno(errno, "pwrite");
    at += static_cast<std::size_t>(put);
  }
  (void)::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return file;
}

// Every right of ABI 1 that changes something, and truncation from ABI 3; reading stays, for the dynamic linker. Empty
// where the kernel has no Landlock: ids, the read-only mounts and RLIMIT_FSIZE stand without it.
Fd no_writes() {
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
  constexpr std::uint64_t kTruncate = 1U << 14;
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U /* version */);
  if (abi >= 3) attributes.handled_access_fs |= kTruncate;
  if (abi < 1) return {};
  return Fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0)));
}

struct Stream {
  Fd end;
  std::string* into;
};

// Reads what is there; false when the stream has ended.
bool drain(Stream& stream) {
  std::array<char, 16384> bytes{};
  const ssize_t got = ::read(stream.end.get(), bytes.data(), bytes.size());
  if (got > 0) stream.into->append(bytes.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

Result<> read_until_end(std::array<Stream, 2>& streams, const RunRequest& request) {
  const Nanos until = steady_now() + request.time_limit;
  while (streams[0].end || streams[1].end) {
    const auto left = std::chrono::ceil<Millis>(until - steady_now());
    if (left.count() <= 0) return fail(Code::kTimeout, "no answer in time");
    std::array<pollfd, 2> waiting{};
    for (std::size_t i = 0; i < 2; ++i) waiting[i] = {.fd = streams[i].end.get(), .events = POLLIN, .revents = 0};
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
      return fail_errno(errno, "poll");
    for (std::size_t i = 0; i < 2; ++i) {
      if (waiting[i].revents != 0 && !drain(streams[i])) streams[i].end.reset();
      if (streams[i].into->size() > request.output_limit) return fail(Code::kTooLarge, "too much output");
    }
  }
  return {};
}

// The streams may be closed by a program that goes on: it has until the deadline as well.
Result<> wait_for_end(const Fd& pidfd, std::chrono::milliseconds limit) {
  pollfd waiting{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&waiting, 1, static_cast<int>(limit.count()))) < 0 && errno == EINTR) {}
  if (ready == 0) return fail(Code::kTimeout, "no end in time");
  return {};
}

}  // namespace

Result<Output> run_sandboxed(const RunRequest& request) {
  auto input = input_file(request.input);
  if (!input) return fail(std::move(input).error());
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno(errno, "pipe2");
  Fd out_read(out[0]);
  Fd out_write(out[1]);
  if (::pipe2(err, O_CLOEXEC) != 0) return fail_errno(errno, "pipe2");
  Fd err_read(err[0]);
  Fd err_write(err[1]);

  const Fd landlock = no_writes();
  auto started = launch({.binary = request.binary,
                         .arguments = request.arguments,
                         .descriptors = {input->get(), out_write.get(), err_write.get(), request.channel},
                         .ids = request.ids,
                         .namespaces = tool_namespaces(),
                         .inner_id = kInnerId,
                         .restrict_to = Restrict::kNoWrites,
                         .landlock = landlock.get(),
                         .limits = kLimits});
  if (!started) return fail(std::move(started).error().during("running the application"));
  out_write.reset();
  err_write.reset();

  Output output;
  std::array streams{Stream{.end = std::move(out_read), .into = &output.output},
                     Stream{.end = std::move(err_read), .into = &output.errors}};
  auto ended = read_until_end(streams, request);
  if (ended) ended = wait_for_end(started->pidfd, request.time_limit);
  // as the first process of its pid namespace it takes everything it has started along
  if (!ended) (void)::kill(started->pid, SIGKILL);
  const int status = reap(started->pid);
  if (!ended) return fail(std::move(ended).error().during("running the application"));
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

}  // namespace sluice::supervisor
