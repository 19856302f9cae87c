// Listening sockets on their way from one program to the next: ListeningSockets::save() and go_on().
#include <sys/stat.h>

#include <algorithm>

#include "restart/saved_state.h"
#include "supervisor/listeners.h"
#include "supervisor/takeover.h"

namespace sluice::supervisor {
namespace {

std::uint64_t inode_of(int fd) {
  struct stat facts{};
  return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

}  // namespace

std::vector<restart::SavedAddress> ListeningSockets::save() const {
  std::vector<restart::SavedAddress> all;
  for (const auto& [key, known] : known_) {
    const std::shared_ptr<BoundAddress> address = known.lock();
    if (address == nullptr) continue;
    restart::SavedAddress saved{.key = key,
                                .configured = address->configured_,
                                .bound = address->bound_,
                                .sockets = {},
                                .listening = static_cast<std::uint32_t>(address->listening_),
                                .file = {},
                                .file_number = address->unix_number_};
    for (const BoundAddress::Own& socket : address->sockets_)
      saved.sockets.push_back({.number = socket.number, .fd = socket.fd.get(), .inode = inode_of(socket.fd.get())});
    if (address->unix_ != nullptr)
      saved.file = {.path = address->unix_->path(),
                    .fd = address->unix_->fd(),
                    .device = address->unix_->device(),
                    .inode = address->unix_->inode()};
    all.push_back(std::move(saved));
  }
  return all;
}

std::vector<std::shared_ptr<BoundAddress>> ListeningSockets::go_on(const Takeover& from) {
  growth_ = Growth::kNone;
  return from.must(adopt(from.state().addresses, from.state().next_socket));
}

Result<std::vector<std::shared_ptr<BoundAddress>>> ListeningSockets::adopt(
    const std::vector<restart::SavedAddress>& addresses, std::uint32_t next_number) {
  std::vector<std::shared_ptr<BoundAddress>> all;
  for (const restart::SavedAddress& one : addresses) {
    std::shared_ptr<BoundAddress> address = std::unique_ptr<BoundAddress>(new BoundAddress());
    address->configured_ = one.configured;
    address->bound_ = one.bound;
    // the port that the kernel once chose stands in the bound address, "dual:" in the configured one
    Result<ListenAddress> configured = ListenAddress::parse(one.configured);
    if (!configured) return fail(std::move(configured).error());
    address->listen_ = *std::move(configured);
    if (!address->listen_.address.is_unix()) {
      Result<SocketAddress> bound = SocketAddress::parse(one.bound);
      if (!bound) return fail(std::move(bound).error());
      address->listen_.address = *std::move(bound);
    }
    all.push_back(std::move(address));
  }
  // nothing can fail any more
  *next_number_ = std::max(*next_number_, next_number);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const restart::SavedAddress& one = addresses[i];
    BoundAddress& address = *all[i];
    for (const restart::SavedSocket& socket : one.sockets)
      address.sockets_.push_back({.number = socket.number, .fd = Fd(socket.fd)});
    address.listening_ = one.listening;
    address.arrivals_ = BoundAddress::Arrivals::kMaybeRefused;  // it may have been on its way out
    if (one.file.fd != restart::kNoFd)
      address.unix_ = std::make_unique<UnixListener>(
          UnixListener::adopt(Fd(one.file.fd), one.file.path, one.file.device, one.file.inode));
    address.unix_number_ = one.file_number;
    address.next_number_ = next_number_;
    known_[one.key] = all[i];
  }
  return all;
}

}  // namespace sluice::supervisor
