// See control.h.
#include "supervisor/control.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/sys.h"
#include "ipc/control_path.h"
#include "supervisor/accounts.h"
#include "supervisor/control_commands.h"

namespace sluice::supervisor {
namespace {

constexpr Millis kIdle{300'000};     // between two requests of one client
constexpr Millis kPatience{10'000};  // for a client to take a line

// Only folders of default paths are made: /run/sluice, or /tmp/sluice-<uid>, which must be ours and nobody else's.
Result<> make_folder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  constexpr mode_t kOwnerOnly = 0700;
  constexpr mode_t kOthersMayPass = 0755;
  const bool shared_place = folder.starts_with("/tmp/");
  if (::mkdir(folder.c_str(), shared_place ? kOwnerOnly : kOthersMayPass) != 0 && errno != EEXIST)
    return fail_errno(errno, "making " + folder);
  struct stat info{};
  if (::lstat(folder.c_str(), &info) != 0) return fail_errno(errno, folder);
  if (!S_ISDIR(info.st_mode)) return fail(Code::kForbidden, folder + " is not a folder");
  if (shared_place && (info.st_uid != ::geteuid() || (info.st_mode & 0077U) != 0))
    return fail(Code::kForbidden, folder + " belongs to somebody else, or is open to others");
  return {};
}

}  // namespace

Result<std::unique_ptr<Control>> Control::open(Loop& loop, Log& log, Supervisor& supervisor,
                                               const ipc::ControlSettings& settings) {
  const std::string path = settings.path.empty() ? ipc::default_control_path() : settings.path;
  const std::string step = "the control socket " + path;
  if (settings.path.empty())
    if (Result<> made = make_folder(path); !made) return fail(std::move(made).error().during(step));
  UnixListener::Options options;
  std::optional<gid_t> group;
  if (!settings.group.empty()) {
    const Result<gid_t> found = find_group(settings.group);
    if (!found) return fail(Error(found.error()).during(step));
    group = *found;
    options.group = *found;
    options.mode = 0660;
  }
  Result<UnixListener> listener = UnixListener::bind(path, options);
  if (!listener) return fail(std::move(listener).error().during(step));
  return std::unique_ptr<Control>(new Control(loop, log, supervisor, *std::move(listener), group));
}

Task<> Control::run() {
  constexpr Millis kBreath{100};
  for (;;) {
    sockaddr_storage peer{};
    socklen_t length = 0;
    sys::Accepted accepted = sys::accept(listener_.fd(), peer, length);
    if (accepted.fd) {
      admit(std::move(accepted.fd));
    } else if (accepted.error == EAGAIN) {
      events_.readable.clear();
      co_await events_.readable.wait(loop_, Deadline::never());
    } else {
      co_await loop_.sleep(kBreath);  // no descriptors, no memory: it may pass
    }
  }
}

void Control::admit(Fd client) {
  Result<ipc::Identity> who = ipc::identify(client.get());
  if (!who) return;
  if (!ipc::may_control(*who, ::geteuid(), group_)) {
    log_.warn("control refused",
              {{"client_pid", who->pid}, {"uid", who->uid}, {"why", "not the owner, root or the group"}});
    return;
  }
  if (clients_.size() >= kMaxClients) {
    log_.warn("control refused", {{"client_pid", who->pid}, {"uid", who->uid}, {"why", "too many clients"}});
    return;
  }
  clients_.spawn([this](Fd fd, ipc::Identity identity) { return serve(std::move(fd), std::move(identity)); },
                 std::move(client), *std::move(who));
}

Task<> Control::serve(Fd client, ipc::Identity who) {
  ipc::ControlConnection connection(loop_, std::move(client), kPatience);
  for (;;) {
    const Deadline deadline = loop_.in(kIdle);
    Result<std::optional<nlohmann::json>> request = co_await connection.next(deadline);
    if (!request || !*request) co_return;
    const ControlContext context{.supervisor = supervisor_, .log = log_, .who = who};
    const Result<> answered = co_await answer(context, connection, **request);
    if (!answered) co_return;
  }
}

}  // namespace sluice::supervisor
