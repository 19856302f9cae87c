// See takeover.h.
#include "supervisor/takeover.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "ipc/application.h"
#include "ipc/memfd.h"
#include "ipc/messages.h"
#include "ipc/settings/settings.h"
#include "supervisor/worker_state.h"

namespace sluice::supervisor {
namespace {

enum class OverExec : std::uint8_t { kOpen, kClosed };

void set(std::span<const std::int32_t> fds, OverExec which) {
  for (const std::int32_t fd : fds) (void)::fcntl(fd, F_SETFD, which == OverExec::kClosed ? FD_CLOEXEC : 0);
}

bool is_state(std::string_view text) {
  for (std::size_t i = 0; i < kWorkerStates; ++i)
    if (name(static_cast<WorkerState>(i)) == text) return true;
  return false;
}

Result<> understand(const restart::SavedGeneration& generation) {
  const auto during = [&](Error error) {
    return fail(std::move(error).during(fmt::format("generation {}", generation.number)));
  };
  if (const Result<ipc::Settings> settings = ipc::settings_from_json(generation.settings); !settings)
    return during(settings.error());
  if (const auto about = ipc::decode_description(generation.application.about_text); !about)
    return during(about.error());
  for (const restart::SavedTenant& tenant : generation.tenants)
    for (const restart::SavedWorker& worker : tenant.workers)
      if (!is_state(worker.state)) return during(Error(Code::kBadSyntax, "a worker in a state that is not known"));
  return {};
}

[[noreturn]] void give_back(int program, int state, std::vector<std::string> arguments,
                            std::span<const std::int32_t> keep, const Error& why) {
  const std::string text = why.message();
  (void)std::fprintf(stderr, "sluice: cannot go on from the state: %s\n", text.c_str());
  if (program != restart::kNoFd) {
    arguments.insert(arguments.end(), {std::string(kResume), std::to_string(state), std::string(kReturned), text});
    const Error failed = become(program, arguments, keep);
    (void)std::fprintf(stderr, "sluice: nor can the program before: %s\n", failed.message().c_str());
  }
  std::_Exit(1);
}

}  // namespace

Error become(int program, std::span<const std::string> arguments, std::span<const std::int32_t> keep) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));  // not written to
  argv.push_back(nullptr);
  set(keep, OverExec::kOpen);
  (void)::execveat(program, "", argv.data(), environ, AT_EMPTY_PATH);
  const int error = errno;
  set(keep, OverExec::kClosed);
  return Error::from_errno(error, "execveat");
}

Result<restart::SavedState> receive_state(int fd) {
  const Result<ipc::SealedBytes> bytes = ipc::SealedBytes::open(fd, restart::kMostStateBytes);
  if (!bytes) return fail(bytes.error());
  return restart::read_state(bytes->view());
}

Result<> understand(const restart::SavedState& state) {
  if (state.protocol != 0 && state.protocol != ipc::kProtocolVersion)
    return fail(Code::kUnsupported, fmt::format("the workers that run speak version {}, this program version {}",
                                                state.protocol, ipc::kProtocolVersion));
  if (!parse_log_level(state.log_level)) return fail(Code::kBadSyntax, "a log level that is not known");
  for (const restart::SavedGeneration& generation : state.generations)
    if (Result<> understood = understand(generation); !understood) return understood;
  return {};
}

Result<> Takeover::take() const {
  const std::vector<std::int32_t> all = restart::descriptors_of(state_);
  for (const std::int32_t fd : all)
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return fail_errno(errno, fmt::format("descriptor {}", fd));
  (void)::fcntl(file_.get(), F_SETFD, FD_CLOEXEC);
  return {};
}

void Takeover::give_back(const Error& why) const {
  std::vector<std::int32_t> keep = restart::descriptors_of(state_);
  keep.push_back(file_.get());
  supervisor::give_back(returned_.empty() ? state_.program.fd : restart::kNoFd, file_.get(), arguments_, keep, why);
}

// What it names is open over exec still: nobody has taken it.
void give_back_unread(int fd, std::vector<std::string> arguments, const std::string& returned, const Error& why) {
  const Result<ipc::SealedBytes> bytes = ipc::SealedBytes::open(fd, restart::kMostStateBytes);
  const std::int32_t writer = returned.empty() && bytes ? restart::writer_of(bytes->view()) : restart::kNoFd;
  give_back(writer, fd, std::move(arguments), {}, why);
}

}  // namespace sluice::supervisor
