// See datagrams.h: reading, answering, leaving. What workers pass on to each other is in passing.cc.
#include "worker/onramp/udp/datagrams.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/fd_events.h"
#include "base/sys.h"
#include "ipc/connection_table.h"

namespace sluice::worker {
namespace {

constexpr Millis kSweep(250);
constexpr Millis kLook(100);               // as the acceptor's
constexpr Millis kHandOver(200);           // the longest wait for a reader that may have died
constexpr Millis kStragglers(20);          // a datagram that was steered to us before we were steered around
constexpr Millis kTrouble(100);            // after an error of the socket
constexpr std::uint16_t kServices = 1024;  // ports below are services': who "asks" from there is somebody else's answer

std::int64_t unix_ms() {
  return std::chrono::duration_cast<Millis>(wall_now().time_since_epoch()).count();
}

SourceLimits limits_of(const ipc::UdpSettings& udp) {
  return {.connections = udp.flows_per_source,
          .connection_rate = {},
          .request_rate = Rate(udp.rate, udp.burst),
          .remembered = 16'384,
          .exempt = {}};
}

}  // namespace

Datagrams::Place::Place(const ipc::EndpointSettings& its, std::uint16_t index, ipc::MetricsWriter& writer,
                        const WorkerId& self)
    : settings(its),
      endpoint(index),
      sources(limits_of(its.udp)),
      flows(its.udp.flows),
      series(writer, its.name),
      tag(its.echo.tag ? fmt::format("{}/{} ", self.generation, self.worker) : "") {}

Datagrams::Socket::Socket(const ipc::Listeners::Item& item, Fd socket, Place& at, int its_family,
                          std::uint16_t its_port)
    : number(item.socket),
      fd(std::move(socket)),
      place(at),
      family(its_family),
      port(its_port),
      share(item.place),
      shares(item.places),
      duty(item.duty) {}

Datagrams::Datagrams(const Services& services, ipc::MetricsWriter& writer, WorkerId self)
    : services_(services), self_(self), relay_(self) {
  for (const ipc::EndpointSettings& endpoint : services.settings.endpoints) {
    const auto index = static_cast<std::uint16_t>(places_.size());
    places_.push_back(endpoint.protocol == ipc::Protocol::kUdp ? std::make_unique<Place>(endpoint, index, writer, self)
                                                               : nullptr);
  }
}

void Datagrams::add(const ipc::Listeners::Item& item, Fd socket) {
  if (item.endpoint_index >= places_.size() || places_[item.endpoint_index] == nullptr) return;
  RawAddress raw;
  if (!sys::local_name(socket.get(), raw.storage, raw.size)) return;
  const Result<SocketAddress> address = SocketAddress::from_raw(raw);
  if (!address) return;
  sockets_.push_back(
      std::make_unique<Socket>(item, std::move(socket), *places_[item.endpoint_index], raw.family(), address->port()));
  if (accepting_) start_reading(*sockets_.back());
}

Task<> Datagrams::run() {
  for (;;) {
    co_await services_.loop.sleep(kSweep);
    forget_silent();
  }
}

void Datagrams::accept() {
  accepting_ = true;
  for (const auto& socket : sockets_) start_reading(*socket);
  if (!marked_) return;
  marked_ = false;
  for (const auto& place : places_)
    if (place != nullptr) place->flows.each([](Flow& flow) { flow.slot.forget_marks(); });
}

void Datagrams::start_reading(Socket& socket) {
  if (!socket.task.empty() || !reads(socket)) return;
  socket.task.spawn([this, &socket] { return read(socket); });
}

void Datagrams::pause(const ipc::Pause& pause) {
  accepting_ = false;
  for (const auto& socket : sockets_) {
    const auto kept = [&](const ipc::Pause::Kept& one) { return one.socket == socket->number; };
    if (socket->shares == 0 || std::ranges::any_of(pause.keep, kept)) continue;
    if (socket->task.empty()) continue;  // it never was ours to read
    socket->task.cancel();
    socket->handed.clear();
    socket->duty = ipc::Duty::kReadAfter;
    const std::uint32_t workers = std::max<std::uint32_t>(pause.next_workers, 1);
    const WorkerId reader{.generation = pause.next_generation,
                          .worker = workers < socket->shares ? socket->share % workers : socket->share};
    errands_.spawn([this, &one = *socket, reader] { return hand_over(one, reader); });
  }
  mark_open();
}

void Datagrams::mark_open() {
  if (marked_) return;
  marked_ = true;
  for (const auto& place : places_)
    if (place != nullptr)
      place->flows.each([](Flow& flow) {
        if (flow.owner == kOurs) flow.slot.mark(ipc::Work::kFlow);
      });
}

Task<> Datagrams::read(Socket& socket) {
  if (socket.duty == ipc::Duty::kReadAfter) {
    const Wake wake = co_await socket.handed.wait(services_.loop, services_.loop.in(kHandOver));
    if (wake == Wake::kTimeout)
      services_.log.warn("flows not handed over", {{"endpoint", socket.place.settings.name}, {"place", socket.share}});
    socket.duty = ipc::Duty::kRead;
  }
  FdEvents events(services_.loop, socket.fd.get());
  for (;;) {
    const Wake wake = co_await events.readable.wait(services_.loop, Deadline::never());
    static_cast<void>(wake);
    const DatagramBatch::Received received = read_some(socket);
    if (received.count > 0) continue;
    events.nothing_to_read();
    if (received.error == EAGAIN) continue;
    services_.log.warn("datagrams not read", {{"endpoint", socket.place.settings.name},
                                              {"error", Error::from_errno(received.error, "recvmmsg").message()}});
    co_await services_.loop.sleep(kTrouble);
    events.readable.set();
  }
}

DatagramBatch::Received Datagrams::read_some(Socket& socket) {
  const DatagramBatch::Received received = batch_.receive(socket.fd.get());
  for (std::size_t i = 0; i < received.count; ++i) {
    DatagramKey key;
    socket.place.series.received.add(1);
    socket.place.series.received_bytes.add(batch_.bytes(i).size());
    if (batch_.key(i, socket.port, key)) {
      arrived(socket, key, batch_.bytes(i));
    } else {
      socket.place.series.count_dropped(Dropped::kUnclear);
    }
  }
  flush(socket);
  return received;
}

void Datagrams::arrived(Socket& socket, const DatagramKey& key, std::span<const char> bytes) {
  Place& place = socket.place;
  const Nanos now = services_.loop.now();
  // two echoes that are told of each other would never stop
  if (key.source_port < kServices || key.source_port == socket.port)
    return place.series.count_dropped(Dropped::kReflection);
  if (place.sources.request(source_of(key), now) != Nanos(0)) return place.series.count_dropped(Dropped::kRate);
  Flow* flow = place.flows.find(key);
  if (flow == nullptr) flow = begin(socket, key, owner_of_new(socket, key));
  if (flow == nullptr) return;
  place.flows.touch(*flow, now);
  if (flow->owner == kOurs) {
    answer(socket, *flow, bytes);
  } else {
    pass_on(socket, *flow, bytes);
  }
}

Flow* Datagrams::begin(Socket& socket, const DatagramKey& key, FlowOwner owner) {
  Place& place = socket.place;
  const SocketAddress source = source_of(key);
  Sources::Visit visit;
  if (owner == kOurs && place.sources.limits_connections()) {
    Sources::Arrival arrival = place.sources.arrive(source, services_.loop.now());
    if (arrival.refused != Sources::Refusal::kNone) {
      place.series.count_dropped(Dropped::kSourceFlows);
      return nullptr;
    }
    visit = std::move(arrival.visit);
  }
  Flow* const flow = place.flows.add(key, services_.loop.now());
  if (flow == nullptr) {
    place.series.count_dropped(Dropped::kFlows);
    return nullptr;
  }
  flow->owner = owner;
  flow->socket = socket.number;
  if (owner != kOurs) return flow;
  flow->visit = std::move(visit);
  flow->slot = services_.table.add(source, place.endpoint, unix_ms());
  flow->slot.state(ipc::ConnectionState::kFlow);
  ++open_;
  place.series.flows.add(1);
  place.series.flows_open.add(1);
  return flow;
}

void Datagrams::end(Place& place, Flow& flow, ipc::Fate fate) {
  if (flow.owner == kOurs) {
    flow.slot.set_fate(fate);
    --open_;
    place.series.flows_open.add(-1);
  }
  place.flows.remove(flow);
}

void Datagrams::answer(Socket& socket, Flow& flow, std::span<const char> bytes) {
  flow.slot.add_in(bytes.size());
  flow.slot.add_out(socket.place.tag.size() + bytes.size());
  batch_.answer(flow.key, socket.family, socket.place.tag, bytes);
  if (batch_.full()) flush(socket);
}

void Datagrams::flush(Socket& socket) {
  const DatagramBatch::Sent sent = batch_.send(socket.fd.get());
  socket.place.series.sent.add(sent.datagrams);
  socket.place.series.sent_bytes.add(sent.bytes);
  for (std::size_t i = 0; i < sent.failed; ++i) socket.place.series.count_dropped(Dropped::kSend);
}

void Datagrams::forget_silent() {
  const Nanos now = services_.loop.now();
  for (const auto& place : places_) {
    if (place == nullptr) continue;
    for (Flow* flow = place->flows.oldest();
         flow != nullptr && flow->last_seen + place->settings.udp.idle_timeout <= now; flow = place->flows.oldest())
      end(*place, *flow, ipc::Fate::kFinished);
  }
}

Datagrams::Socket* Datagrams::find_socket(std::uint32_t number) {
  const auto found = std::ranges::find_if(sockets_, [&](const auto& socket) { return socket->number == number; });
  return found != sockets_.end() ? found->get() : nullptr;
}

std::size_t Datagrams::enforce(const restart::DrainOrder& order) {
  const Nanos now = services_.loop.now();
  const std::size_t before = open_;
  for (const auto& place : places_) {
    if (place == nullptr) continue;
    place->flows.remove_if([&](Flow& flow) {
      const Millis budget = order.budgets().spread(order.budgets().flow, flow.slot.id());
      if (flow.owner != kOurs || now < order.ordered_at() + budget) return false;
      flow.slot.set_fate(ipc::Fate::kCut);
      --open_;
      place->series.flows_open.add(-1);
      return true;
    });
  }
  return before - open_;
}

Task<std::size_t> Datagrams::drain(const restart::DrainOrder& order) {
  std::size_t cut = 0;
  for (;;) {
    forget_silent();
    cut += enforce(order);
    if (open_ == 0) break;
    co_await services_.loop.sleep(kLook);
  }
  if (cut > 0) services_.log.info("flows cut", {{"flows", cut}, {"budget_ms", order.budgets().flow.count()}});
  co_await release();
  co_return cut;
}

Task<> Datagrams::last_look() {
  co_await services_.loop.sleep(kStragglers);
  take_packets();
  for (const auto& socket : sockets_) {
    if (socket->task.empty()) continue;
    socket->task.cancel();
    while (read_some(*socket).count > 0) {}
  }
}

}  // namespace sluice::worker
