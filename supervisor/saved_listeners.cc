// Listening sockets on their way from one program to the next: ListeningSockets::save() and go_on().
#include <sys/stat.h>

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
  std::vector<std::shared_ptr<BoundAddress>> all;
  next_number_ = from.state().next_socket;
  for (const restart::SavedAddress& one : from.state().addresses) {
    std::shared_ptr<BoundAddress> address = std::unique_ptr<BoundAddress>(new BoundAddress());
    address->configured_ = one.configured;
    address->bound_ = one.bound;
    // the port that the kernel once chose stands in the bound address, "dual:" in the configured one
    address->listen_ = from.must(ListenAddress::parse(one.configured));
    if (!address->listen_.address.is_unix()) address->listen_.address = from.must(SocketAddress::parse(one.bound));
    for (const restart::SavedSocket& socket : one.sockets)
      address->sockets_.push_back({.number = socket.number, .fd = Fd(socket.fd)});
    address->listening_ = one.listening;
    if (one.file.fd != restart::kNoFd)
      address->unix_ = std::make_unique<UnixListener>(
          UnixListener::adopt(Fd(one.file.fd), one.file.path, one.file.device, one.file.inode));
    address->unix_number_ = one.file_number;
    known_[one.key] = address;
    all.push_back(std::move(address));
  }
  return all;
}

}  // namespace sluice::supervisor
