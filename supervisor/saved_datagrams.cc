// UDP sockets and their steering on their way from one program to the next: save() and go_on(). The maps and programs
// live on in the kernel, so not one datagram takes another way meanwhile.
#include "restart/saved_state.h"
#include "supervisor/datagrams.h"
#include "supervisor/takeover.h"

namespace sluice::supervisor {
namespace {

std::vector<restart::SavedUdpSocket> saved(const std::vector<DatagramAddress::Own>& sockets) {
  std::vector<restart::SavedUdpSocket> all;
  for (const DatagramAddress::Own& socket : sockets) all.push_back({.number = socket.number, .fd = socket.fd.get()});
  return all;
}

std::vector<DatagramAddress::Own> restored(const std::vector<restart::SavedUdpSocket>& sockets) {
  std::vector<DatagramAddress::Own> all;
  for (const restart::SavedUdpSocket& socket : sockets) all.push_back({.number = socket.number, .fd = Fd(socket.fd)});
  return all;
}

}  // namespace

void Steering::save(restart::SavedDatagrams& into) const {
  into.kind = static_cast<std::uint32_t>(kind_);
  into.why = why_;
  into.current = current_;
  if (kind_ != Kind::kBpf) return;
  into.maps = {state_.current.get(), state_.ranges.get(), state_.sockets.get(), state_.flows.get()};
  for (const auto& [generation, place] : places_) into.places.push_back({.generation = generation, .place = place});
  for (const auto& [where, range] : ranges_)
    into.ranges.push_back({.address = where.first,
                           .place = where.second,
                           .generation = range.generation,
                           .first = range.first,
                           .count = range.count,
                           .idle_seconds = range.idle_seconds});
}

void Steering::go_on(const restart::SavedDatagrams& saved) {
  kind_ = static_cast<Kind>(saved.kind);
  why_ = saved.why;
  current_ = saved.current;
  if (kind_ != Kind::kBpf) return;
  state_.current = Fd(saved.maps.at(0));
  state_.ranges = Fd(saved.maps.at(1));
  state_.sockets = Fd(saved.maps.at(2));
  state_.flows = Fd(saved.maps.at(3));
  for (const restart::SavedUdpPlace& one : saved.places) places_.emplace(one.generation, one.place);
  for (const restart::SavedUdpRange& one : saved.ranges) {
    ranges_[{one.address, one.place}] = {
        .generation = one.generation, .first = one.first, .count = one.count, .idle_seconds = one.idle_seconds};
    spans_.mark(one.first, one.count);
  }
  for (const restart::SavedUdpAddress& one : saved.addresses) state_.programs.emplace(one.index, Fd(one.program));
}

restart::SavedDatagrams DatagramSockets::save() const {
  restart::SavedDatagrams out;
  steering_.save(out);
  for (const auto& [key, known] : known_) {
    const std::shared_ptr<DatagramAddress> address = known.lock();
    if (address == nullptr) continue;
    out.addresses.push_back({.key = key,
                             .configured = address->configured_,
                             .bound = address->bound_,
                             .index = address->index_,
                             .program = steering_.program_of(address->index_),
                             .shared = saved(address->shared_)});
    for (const DatagramShare* share : address->shares_)
      if (!share->own_.empty())
        out.shares.push_back({.key = key, .generation = share->generation_, .sockets = saved(share->own_)});
  }
  return out;
}

std::vector<std::shared_ptr<DatagramAddress>> DatagramSockets::go_on(const Takeover& from) {
  const restart::SavedDatagrams& saved = from.state().datagrams;
  std::vector<std::shared_ptr<DatagramAddress>> all;
  steering_.go_on(saved);
  for (const restart::SavedUdpAddress& one : saved.addresses) {
    ListenAddress listen = from.must(ListenAddress::parse(one.configured));
    listen.address = from.must(SocketAddress::parse(one.bound));  // with the port that the kernel once chose
    auto address = std::make_shared<DatagramAddress>(steering_, std::move(listen));
    address->configured_ = one.configured;
    address->bound_ = one.bound;
    address->index_ = one.index;
    address->steered_ = one.program != restart::kNoFd;
    address->shared_ = restored(one.shared);
    known_[one.key] = address;
    all.push_back(std::move(address));
  }
  for (const restart::SavedUdpShare& one : saved.shares) left_[{one.key, one.generation}] = restored(one.sockets);
  return all;
}

}  // namespace sluice::supervisor
