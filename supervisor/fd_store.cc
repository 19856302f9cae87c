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

constexpr std::size_t kMostAtOnce = 250;
constexpr std::string_view kMap = "map-";
constexpr const char* kSlabs = "slabs";

struct Stored {
  std::string name;
  Fd fd;
  std::uint64_t inode = 0;
};

// The store knows names, of printable characters and without colons.
std::string name_of(const std::string& key) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
  for (const char byte : key) hash = (hash ^ static_cast<std::uint8_t>(byte)) * 1'099'511'628'211ULL;
  return fmt::format("listen-{:016x}", hash);
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

// Gives the socket away, once.
template <class Matches>
std::int32_t pick(std::vector<Stored>& stored, const std::string& name, Matches matches) {
  for (Stored& one : stored)
    if (one.fd && one.name == name && matches(one)) return one.fd.release();
  return restart::kNoFd;
}

std::set<std::uint64_t> sockets_of(const restart::SavedAddress& address) {
  std::set<std::uint64_t> all;
  for (const restart::SavedSocket& socket : address.sockets) all.insert(socket.inode);
  if (address.file.fd != restart::kNoFd) all.insert(inode_of(address.file.fd));
  return all;
}

void put(const std::string& name, const std::vector<int>& fds) {
  for (std::size_t at = 0; at < fds.size(); at += kMostAtOnce)
    notify_service_manager("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name,
                           std::span(fds).subspan(at, std::min(kMostAtOnce, fds.size() - at)));
}

std::vector<int> descriptors_of(const restart::SavedAddress& address) {
  std::vector<int> all;
  for (const restart::SavedSocket& socket : address.sockets) all.push_back(socket.fd);
  if (address.file.fd != restart::kNoFd) all.push_back(address.file.fd);
  return all;
}

}  // namespace

FdStore::Taken FdStore::take() {
  std::vector<Stored> stored = given();
  Taken taken;
  Map known = newest_map(stored);
  map_ = known.name;
  for (restart::SavedAddress& address : known.content.addresses) {
    const std::string name = name_of(address.key);
    std::vector<restart::SavedSocket> there;
    for (restart::SavedSocket socket : address.sockets) {
      socket.fd = pick(stored, name, [&](const Stored& one) { return one.inode == socket.inode; });
      if (socket.fd != restart::kNoFd) there.push_back(socket);
    }
    address.sockets = std::move(there);
    address.listening = std::min<std::uint32_t>(address.listening, static_cast<std::uint32_t>(address.sockets.size()));
    if (address.file.fd != restart::kNoFd)
      address.file.fd = pick(stored, name, [&](const Stored& one) { return is_at(one.fd.get(), address.file.path); });
    kept_[name] = sockets_of(address);
    if (!address.sockets.empty() || address.file.fd != restart::kNoFd) taken.addresses.push_back(std::move(address));
  }
  taken.estate.last_generation = known.content.estate.last_generation;
  for (restart::SavedSlab& slab : known.content.estate.slabs) {
    slab.fd = pick(stored, kSlabs, [&](const Stored& one) { return one.inode == slab.inode; });
    if (slab.fd == restart::kNoFd) continue;
    kept_[kSlabs].insert(slab.inode);
    taken.estate.slabs.push_back(std::move(slab));
  }
  return taken;
}

void FdStore::keep(std::vector<restart::SavedAddress> addresses, restart::SavedEstate estate) {
  if (!has_service_manager()) return;
  std::map<std::string, std::set<std::uint64_t>> now;
  for (const restart::SavedAddress& address : addresses) {
    const std::string name = name_of(address.key);
    now[name] = sockets_of(address);
    if (kept_[name] == now[name]) continue;
    put(name, descriptors_of(address));  // one that is there already is not put in twice
  }
  std::vector<int> slabs;
  for (const restart::SavedSlab& slab : estate.slabs) {
    now[kSlabs].insert(slab.inode);
    if (!kept_[kSlabs].contains(slab.inode)) slabs.push_back(slab.fd);
  }
  put(kSlabs, slabs);
  if (now != kept_ || map_.empty() || estate.last_generation != last_generation_)
    describe(std::move(addresses), std::move(estate));
  for (const auto& [name, sockets] : kept_)
    if (!now.contains(name)) notify_service_manager("FDSTOREREMOVE=1\nFDNAME=" + name);
  kept_ = std::move(now);
}

// The new one is there before the old one goes.
void FdStore::describe(std::vector<restart::SavedAddress> addresses, restart::SavedEstate estate) {
  last_generation_ = estate.last_generation;
  const std::string next = map_ == "map-a" ? "map-b" : "map-a";
  const std::string before = next == "map-a" ? "map-b" : "map-a";
  const std::string text = restart::write_addresses(
      {.sequence = steady_now().count(), .addresses = std::move(addresses), .estate = std::move(estate)});
  const Result<Fd> sealed = ipc::seal_bytes("addresses", text);
  if (!sealed) return;
  const std::array<int, 1> fds = {sealed->get()};
  notify_service_manager("FDSTORE=1\nFDPOLL=0\nFDNAME=" + next, fds);
  notify_service_manager("FDSTOREREMOVE=1\nFDNAME=" + before);
  map_ = next;
}

}  // namespace sluice::supervisor
