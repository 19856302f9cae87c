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
#include "supervisor/control_upgrade.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"

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

std::string control_path(const ipc::ControlSettings& settings) {
  return settings.path.empty() ? ipc::default_control_path() : settings.path;
}

Result<std::unique_ptr<Control>> Control::open(Loop& loop, Log& log, Supervisor& supervisor,
                                               const ipc::ControlSettings& settings) {
  const std::string path = control_path(settings);
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

// Who is in the middle of anything but an upgrade is not carried over: its connection closes, and it asks again.
void Control::save(restart::SavedState& state) const {
  state.control = {
      .path = listener_.path(), .fd = listener_.fd(), .device = listener_.device(), .inode = listener_.inode()};
  for (const Open& one : open_) {
    const std::shared_ptr<UpgradeRecord>& follows = one.client->follows;
    const bool known = follows != nullptr && supervisor_.upgrader().find(follows->number()) != nullptr;
    if (one.connection->sending() || (one.asked && !known)) continue;
    state.clients.push_back({.fd = one.connection->fd(),
                             .input = std::string(one.connection->input()),
                             .upgrade = known ? follows->number() : 0,
                             .shown = one.client->shown,
                             .until = one.client->until});
  }
}

std::unique_ptr<Control> Control::go_on(const Takeover& from, Loop& loop, Log& log, Supervisor& supervisor) {
  const restart::SavedFile& saved = from.state().control;
  std::optional<gid_t> group;
  if (const std::string& name = supervisor.configuration().settings.control.group; !name.empty())
    group = from.must(find_group(name));
  std::unique_ptr<Control> control(new Control(
      loop, log, supervisor, UnixListener::adopt(Fd(saved.fd), saved.path, saved.device, saved.inode), group));
  control->before_ = from.state().clients;
  return control;
}

Task<> Control::run() {
  constexpr Millis kBreath{100};
  for (restart::SavedClient& client : std::exchange(before_, {})) {
    Fd fd(client.fd);
    if (Result<ipc::Identity> who = ipc::identify(fd.get()))
      clients_.spawn(
          [this](Fd its, ipc::Identity identity, restart::SavedClient saved) {
            return serve(std::move(its), std::move(identity), std::move(saved));
          },
          std::move(fd), *std::move(who), std::move(client));
  }
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
  clients_.spawn([this](Fd fd, ipc::Identity identity) { return serve(std::move(fd), std::move(identity), {}); },
                 std::move(client), *std::move(who));
}

Task<> Control::serve(Fd fd, ipc::Identity who, restart::SavedClient before) {
  ipc::ControlConnection connection(loop_, std::move(fd), kPatience);
  ControlClient client;
  const ControlContext context{.supervisor = supervisor_, .log = log_, .who = who, .client = client};
  const Entry entry(open_, {.connection = &connection, .client = &client});
  connection.go_on_with(before.input);
  client.follows = before.upgrade != 0 ? supervisor_.upgrader().find(before.upgrade) : nullptr;
  if (client.follows != nullptr) {
    client.shown = before.shown;
    client.until = before.until;
    entry.place->asked = true;
    const Result<> answered = co_await follow_upgrade(context, connection);
    if (!answered) co_return;
  }
  for (;;) {
    entry.place->asked = false;
    const Deadline deadline = loop_.in(kIdle);
    Result<std::optional<nlohmann::json>> request = co_await connection.next(deadline);
    if (!request || !*request) co_return;
    entry.place->asked = true;
    const Result<> answered = co_await answer(context, connection, **request);
    if (!answered) co_return;
  }
}

}  // namespace sluice::supervisor
