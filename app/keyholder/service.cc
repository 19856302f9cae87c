// See service.h.
#include "app/keyholder/service.h"

#include <utility>

#include "ipc/channel.h"

namespace sluice::keyholder {
namespace {
constexpr int kFailed = 1;
constexpr Millis kPatience(10'000);  // a worker that does not read for so long hangs

Task<> pump(ipc::Channel& channel) {
  const Error error = co_await channel.pump(kPatience);
  static_cast<void>(error);  // its worker has gone, which receive() finds out, or hangs, which the supervisor does
}
}  // namespace

Service::Service(worker::Booted& booted, ipc::Slab& slab, OsSignals& signals, Loop& loop)
    : booted_(booted),
      signals_(signals),
      loop_(loop),
      writer_(slab),
      held_(writer_.gauge("sluice_keyholder_keys", "Private keys that the keyholder has.", {})) {
  for (std::size_t i = 0; i < signings_.size(); ++i)
    signings_.at(i) = writer_.counter("sluice_keyholder_signatures_total", "Signatures that workers asked for.",
                                      {{"result", name(static_cast<ipc::Signing>(i))}});
}

Result<> Service::take(const ipc::Keys& message, const std::vector<Fd>& fds) {
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const std::string& tenant = message.items[i].tenant;
    if (Result<> added = keys_.add(tenant, fds[i]); !added)
      return fail(std::move(added).error().during("a key of tenant " + tenant));
  }
  held_.set(static_cast<std::int64_t>(keys_.size()));
  return {};
}

Result<> Service::take_first() {
  for (const worker::KeyBatch& batch : booted_.keys)
    if (Result<> taken = take(batch.message, batch.fds); !taken) return taken;
  booted_.keys.clear();
  return {};
}

int Service::run() {
  booted_.channel.attach(loop_);
  if (!booted_.channel.post(ipc::Ready{})) return kFailed;
  background_.spawn([this] { return obey(); });
  background_.spawn([this] { return watch_signals(); });
  for (worker::KeyUser& user : booted_.key_users) begin(std::move(user.tenant), std::move(user.channel));
  booted_.key_users.clear();
  loop_.run();
  return status_;
}

void Service::begin(std::string tenant, Fd channel) {
  ++users_;
  background_.spawn([this](std::string its, Fd end) { return serve(std::move(its), std::move(end)); },
                    std::move(tenant), std::move(channel));
}

Task<> Service::serve(std::string tenant, Fd end) {
  ipc::Channel channel(std::move(end), 0);
  channel.attach(loop_);
  Scope sender;
  sender.spawn([&channel] { return pump(channel); });
  const Error why = co_await answer(tenant, channel);
  if (why.code() != Code::kClosed && why.code() != Code::kReset)
    booted_.log.warn("worker dropped", {{"whose", tenant}, {"why", why.message()}});
  sender.cancel();
  --users_;
  if (leaving_) leave_when_free();
}

Task<Error> Service::answer(const std::string& tenant, ipc::Channel& channel) {
  for (;;) {
    const Result<ipc::Packet> packet = co_await channel.receive(Deadline::never());
    if (!packet) co_return packet.error();
    const Result<std::vector<ipc::SignRequest>> requests = ipc::decode_requests(packet->bytes);
    if (!requests) co_return requests.error();
    std::vector<ipc::SignAnswer> answers;
    for (const ipc::SignRequest& request : *requests) {
      answers.push_back(keys_.sign(tenant, request));
      signings_.at(static_cast<std::size_t>(answers.back().came_to)).add();
    }
    const Result<std::string> bytes = ipc::encode(answers);
    if (!bytes) co_return bytes.error();
    if (Result<> posted = channel.post(*bytes, {}); !posted) co_return posted.error();
    co_await loop_.yield();
  }
}

Task<> Service::obey() {
  co_await loop_.yield();  // a Stop that has come already must find the loop running: run() forgets earlier ones
  for (;;) {
    Result<ipc::WorkerEnd::Received> received = co_await booted_.channel.receive(Deadline::never());
    if (!received) {
      // workers outlive their supervisor, and need their keys
      booted_.log.error("supervisor lost", {{"error", received.error().message()}});
      if (received.error().code() == Code::kProtocol) leave(kFailed);
      leave_when_free();
      co_return;
    }
    std::visit(ipc::On{[&](const ipc::Keys& more) {
                         Result<> taken = take(more, received->fds);
                         if (!taken) key_fault_ = taken.error().message();
                       },
                       [&](ipc::KeyUser& user) { begin(std::move(user.tenant), std::move(received->fds.front())); },
                       [&](const ipc::Reconfigure& wanted) { prepared(wanted.number); },
                       [&](const ipc::Drain&) { leave_when_free(); }, [&](const ipc::Stop&) { leave(0); },
                       [&](const ipc::SetLogLevel& set) { booted_.log.set_level(set.level); }, [](const auto&) {}},
               received->message);
  }
}

// The answer to whether all keys that came before can be used.
void Service::prepared(std::uint64_t number) {
  const ipc::Prepared answer{.number = number, .able = key_fault_.empty(), .why = std::exchange(key_fault_, {})};
  if (!booted_.channel.post(answer)) leave(kFailed);
}

Task<> Service::watch_signals() {
  for (;;) {
    co_await signals_.arrived().wait(loop_, Deadline::never());
    while (signals_.take()) leave_when_free();
  }
}

void Service::leave_when_free() {
  leaving_ = true;
  if (users_ != 0) return;
  if (booted_.channel.phase() == ipc::Phase::kDraining) (void)booted_.channel.post(ipc::Drained{});
  leave(status_);
}

void Service::leave(int status) {
  status_ = status;
  loop_.stop();
}

}  // namespace sluice::keyholder
