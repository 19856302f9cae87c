// See fd_store.h.
#include "supervisor/fd_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/net/local_address.h"
#include "base/time.h"
#include "ipc/memfd.h"
#include "supervisor/notify.h"

namespace sluice::supervisor {
namespace {

constexpr std::string_view kMap = "map-";
constexpr std::string_view kSockets = "listen-";
constexpr std::string_view kSlabs = "slab-";
constexpr Millis kPatience{500};  // for a manager that is busy; then again in a second

struct Stored {
  std::string name;
  Fd fd;
  std::uint64_t inode = 0;
};

// The store takes out by name, so each has one of its own.
std::string name_of(std::string_view kind, std::uint64_t inode) {
  return fmt::format("{}{}", kind, inode);
}
std::string_view kind_of(std::string_view name) {
  for (const std::string_view kind : {kSockets, kSlabs})
    if (name.starts_with(kind)) return kind;
  return "unknown-";
}

std::uint64_t inode_of(int fd) {
  struct stat facts{};
  return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  std::string text = value != nullptr ? value : "";
  (void)::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): not for the program after us
  return text;
}

// sd_listen_fds(3): descriptors from 3 on, names with colons between them.
std::vector<Stored> given() {
  constexpr int kFirst = 3;
  constexpr int kMost = 65536;
  std::vector<Stored> all;
  const std::string whose = variable("LISTEN_PID");
  const std::string count = variable("LISTEN_FDS");
  const std::string names = variable("LISTEN_FDNAMES");
  if (whose != std::to_string(::getpid())) return all;
  int number = 0;
  (void)std::from_chars(count.data(), count.data() + count.size(), number);
  std::string_view left = names;
  for (int fd = kFirst; fd < kFirst + std::clamp(number, 0, kMost); ++fd) {
    const std::string_view name = left.substr(0, left.find(':'));
    left = left.size() > name.size() ? left.substr(name.size() + 1) : std::string_view();
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) continue;
    all.push_back({.name = std::string(name), .fd = Fd(fd), .inode = inode_of(fd)});
  }
  return all;
}

struct Map {
  std::string name;
  restart::SavedAddresses content;
};
Map newest_map(const std::vector<Stored>& stored) {
  Map newest;
  for (const Stored& one : stored) {
    if (!one.name.starts_with(kMap)) continue;
    const Result<ipc::SealedBytes> bytes = ipc::SealedBytes::open(one.fd.get(), restart::kMostStateBytes);
    if (!bytes) continue;
    Result<restart::SavedAddresses> map = restart::read_addresses(bytes->view());
    if (map && map->sequence > newest.content.sequence) newest = {.name = one.name, .content = *std::move(map)};
  }
  return newest;
}

bool is_at(int fd, const std::string& path) {
  const Result<SocketAddress> address = local_address(fd);
  return address && address->is_unix() && address->path() == path;
}

// Gives the descriptor away, once.
template <class Matches>
std::int32_t pick(std::vector<Stored>& stored, std::string_view kind, Matches matches) {
  for (Stored& one : stored)
    if (one.fd && one.name.starts_with(kind) && matches(one)) return one.fd.release();
  return restart::kNoFd;
}

Result<> put(const std::string& name, int fd) {
  const std::array<int, 1> fds = {fd};
  return notify_service_manager("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, fds, kPatience);
}
Result<> remove(const std::string& name) {
  return notify_service_manager("FDSTOREREMOVE=1\nFDNAME=" + name, {}, kPatience);
}

}  // namespace

FdStore::Taken FdStore::take() {
  std::vector<Stored> stored = given();
  Taken taken;
  Map known = newest_map(stored);
  map_ = known.name;
  // what the map does not have, too: it goes with the first keep()
  for (const Stored& one : stored)
    if (!one.name.starts_with(kMap)) kept_[name_of(kind_of(one.name), one.inode)] = one.name;
  for (restart::SavedAddress& address : known.content.addresses) {
    std::vector<restart::SavedSocket> there;
    for (restart::SavedSocket socket : address.sockets) {
      socket.fd = pick(stored, kSockets, [&](const Stored& one) { return one.inode == socket.inode; });
      if (socket.fd != restart::kNoFd) there.push_back(socket);
    }
    address.sockets = std::move(there);
    address.listening = std::min<std::uint32_t>(address.listening, static_cast<std::uint32_t>(address.sockets.size()));
    if (address.file.fd != restart::kNoFd)
      address.file.fd =
          pick(stored, kSockets, [&](const Stored& one) { return is_at(one.fd.get(), address.file.path); });
    if (!address.sockets.empty() || address.file.fd != restart::kNoFd) taken.addresses.push_back(std::move(address));
  }
  taken.estate.last_generation = known.content.estate.last_generation;
  for (restart::SavedSlab& slab : known.content.estate.slabs) {
    slab.fd = pick(stored, kSlabs, [&](const Stored& one) { return one.inode == slab.inode; });
    if (slab.fd != restart::kNoFd) taken.estate.slabs.push_back(std::move(slab));
  }
  return taken;
}

// Described first: a socket in the store that nobody knows would hold its address against us.
Result<> FdStore::keep(std::vector<restart::SavedAddress> addresses, restart::SavedEstate estate) {
  if (!has_service_manager()) return {};
  std::map<std::string, int> wanted;
  const auto want = [&](std::string_view kind, int fd) { wanted[name_of(kind, inode_of(fd))] = fd; };
  for (const restart::SavedAddress& address : addresses) {
    for (const restart::SavedSocket& socket : address.sockets) want(kSockets, socket.fd);
    if (address.file.fd != restart::kNoFd) want(kSockets, address.file.fd);
  }
  for (const restart::SavedSlab& slab : estate.slabs) want(kSlabs, slab.fd);
  std::set<std::string> names;
  for (const auto& [name, fd] : wanted) names.insert(name);
  if (names != described_ || map_.empty() || estate.last_generation != last_generation_) {
    if (Result<> described = describe(std::move(addresses), std::move(estate)); !described) return described;
    described_ = std::move(names);
  }
  for (const auto& [name, fd] : wanted) {
    if (kept_.contains(name)) continue;
    if (Result<> stored = put(name, fd); !stored) return stored;
    kept_[name] = name;
  }
  return remove_others(wanted);
}

// Under a name from before us there may be more than one, of which one is still wanted.
Result<> FdStore::remove_others(const std::map<std::string, int>& wanted) {
  std::set<std::string> stay;
  for (const auto& [name, fd] : wanted) stay.insert(kept_[name]);
  for (auto it = kept_.begin(); it != kept_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    if (!stay.contains(it->second))
      if (Result<> removed = remove(it->second); !removed) return removed;
    it = kept_.erase(it);
  }
  return {};
}

// The new one is there before the old one goes.
Result<> FdStore::describe(std::vector<restart::SavedAddress> addresses, restart::SavedEstate estate) {
  const std::uint64_t generation = estate.last_generation;
  const std::string next = map_ == "map-a" ? "map-b" : "map-a";
  const std::string before = next == "map-a" ? "map-b" : "map-a";
  const std::string text = restart::write_addresses(
      {.sequence = steady_now().count(), .addresses = std::move(addresses), .estate = std::move(estate)});
  const Result<Fd> sealed = ipc::seal_bytes("addresses", text);
  if (!sealed) return fail(sealed.error());
  if (Result<> stored = put(next, sealed->get()); !stored) return stored;
  map_ = next;
  last_generation_ = generation;
  return remove(before);
}

}  // namespace sluice::supervisor
