// See child_run.h.
#include "supervisor/child_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/fd_events.h"
#include "ipc/memfd.h"
#include "supervisor/exit_reason.h"
#include "supervisor/launch.h"

namespace sluice::supervisor {
namespace {

// Its end is our business, however we leave.
class Child {
 public:
  explicit Child(Spawned spawned) : spawned_(std::move(spawned)) { running().push_back(spawned_.pid); }
  Child(Child&&) = delete;
  ~Child() {
    std::erase(running(), spawned_.pid);
    if (reaped_) return;
    (void)::kill(spawned_.pid, SIGKILL);  // not reaped yet, so the number is still its own
    (void)reap(spawned_.pid);
  }

  [[nodiscard]] int pidfd() const { return spawned_.pidfd.get(); }
  [[nodiscard]] Result<ExitReason> try_reap() {
    Result<ExitReason> reason = reap_process(pidfd());
    reaped_ = reason.has_value();
    return reason;
  }
  static std::vector<pid_t>& running() {
    static std::vector<pid_t> pids;
    return pids;
  }

 private:
  Spawned spawned_;
  bool reaped_ = false;
};

Result<std::string> read_back(const Fd& file, std::size_t limit) {
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return fail_errno(errno, "fstat");
  if (static_cast<std::size_t>(facts.st_size) > limit) return fail(Code::kTooLarge, "too much output");
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t got = ::pread(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (got <= 0) return fail_errno(errno, "pread");
    at += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace

bool is_child_beside(pid_t pid) {
  return std::ranges::find(Child::running(), pid) != Child::running().end();
}

Task<Result<Output>> run_beside(Loop& loop, const ChildRequest& request) {
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Result<Fd> out = ipc::make_memfd("output");
  if (!out) co_return fail(std::move(out).error());
  Result<Fd> err = ipc::make_memfd("errors");
  if (!err) co_return fail(std::move(err).error());
  // our own watch does not live over an exec; theirs does
  const auto most_seconds = static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(request.limit).count()) + 1;
  const std::array limits{Limit{RLIMIT_CORE, 0}, Limit{RLIMIT_FSIZE, request.output_limit}};
  Result<Spawned> spawned = launch({.binary = request.binary,
                                    .arguments = request.arguments,
                                    .descriptors = {nothing.get(), out->get(), err->get(), request.extra},
                                    .ids = std::nullopt,
                                    .namespaces = 0,
                                    .inner_id = 0,
                                    .limits = limits,
                                    .most_seconds = most_seconds});
  if (!spawned) co_return fail(std::move(spawned).error());
  Child child(*std::move(spawned));
  const Deadline deadline(loop.now() + request.limit);
  FdEvents end(loop, child.pidfd());
  for (;;) {
    const Wake wake = co_await end.readable.wait(loop, deadline);
    if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "no end in time");
    end.readable.clear();
    const Result<ExitReason> reason = child.try_reap();
    if (!reason && reason.error().code() == Code::kInternal) continue;  // still there
    if (!reason) co_return fail(reason.error());
    Output output;
    output.status = reason->kind == ExitReason::Kind::kExited ? reason->number : 128 + reason->number;
    Result<std::string> said = read_back(*out, request.output_limit);
    if (!said) co_return fail(std::move(said).error());
    output.output = *std::move(said);
    Result<std::string> errors = read_back(*err, request.output_limit);
    if (errors) output.errors = *std::move(errors);
    co_return output;
  }
}

}  // namespace sluice::supervisor
