// See process.h.
#include "supervisor/process.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/sys.h"

namespace sluice::supervisor {
namespace {

constexpr int kLogPipeBytes = 256 * 1024;
constexpr Millis kPatience{10'000};   // a worker that does not read its channel for so long hangs
constexpr Millis kGoodbye{1'000};     // between the end of the channel and the end of the process
constexpr int kOomScoreAdjust = 200;  // under memory pressure a worker goes before the supervisor

}  // namespace

Result<std::unique_ptr<Process>> Process::start(Loop& loop, LogSink& sink, ProcessOwner& owner,
                                                const Request& request) {
  Result<ipc::ChannelPair> channel = ipc::channel_pair();
  if (!channel) return fail(std::move(channel).error());
  Result<sys::Pipe> log = sys::pipe();
  if (!log) return fail(std::move(log).error());
  (void)::fcntl(log->write_end.get(), F_SETPIPE_SZ, kLogPipeBytes);  // best effort: more room for bursts
  const Tenant& tenant = request.tenant;
  const std::size_t slash = tenant.application->path.rfind('/');
  Result<Spawned> spawned =
      spawn({.binary = tenant.application->binary.get(),
             .arguments = {tenant.application->path.substr(slash + 1), "--worker"},
             .channel = channel->worker.get(),
             .log = log->write_end.get(),
             .ids = tenant.ids,
             .cgroup = tenant.cgroup.get(),
             .isolation = tenant.settings.sandbox.namespaces ? Isolation::kPrivate : Isolation::kShared,
             .oom_score_adjust = kOomScoreAdjust});
  if (!spawned) return fail(std::move(spawned).error());
  std::unique_ptr<Process> process(new Process(
      loop, sink, owner, tenant, request.index,
      {.spawned = *std::move(spawned), .channel = std::move(channel->supervisor), .log = std::move(log->read_end)}));
  if (Result<> given = process->hand_over(request); !given) return fail(std::move(given).error());
  return process;
}

Process::Process(Loop& loop, LogSink& sink, ProcessOwner& owner, const Tenant& tenant, std::uint32_t index, Parts parts)
    : loop_(loop),
      owner_(owner),
      tenant_(tenant),
      index_(index),
      pid_(parts.spawned.pid),
      started_(steady_now()),
      pidfd_(std::move(parts.spawned.pidfd)),
      end_(loop, pidfd_.get()),
      channel_(std::move(parts.channel)),
      log_(loop, sink,
           sink.budget(tenant.settings.name, tenant.settings.limits.log_per_second.bytes() * tenant.settings.workers),
           std::move(parts.log), LogStamp(tenant.settings.name, index, parts.spawned.pid)),
      protections_(std::move(parts.spawned.protections)) {
  channel_.attach(loop);
}

Process::~Process() {
  scope_.cancel();
  if (reaped_) return;
  kill();
  // it has no way to refuse; the wait is the kernel's clean-up
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {}
}

Result<> Process::hand_over(const Request& request) {
  const std::array<int, 2> files = {tenant_.settings_file.get(), request.slab};
  Result<> posted = channel_.post(ipc::Configure{.generation = request.generation,
                                                 .tenant = tenant_.settings.name,
                                                 .worker_index = index_,
                                                 .log_level = request.log_level},
                                  files);
  if (!posted) return posted;
  return give_sockets(request.sockets, request.turn);
}

Result<> Process::give_sockets(BoundAddress::Which which, DatagramShare::Turn turn) {
  ipc::Listeners batch;
  std::vector<int> sockets;
  const auto send = [&]() -> Result<> {
    Result<> posted = channel_.post(batch, sockets);
    batch.items.clear();
    sockets.clear();
    return posted;
  };
  const auto give = [&](ipc::Listeners::Item item, int fd) -> Result<> {
    if (!given_.insert(item.socket).second) return {};
    if (sockets.size() == ipc::kMaxFds)
      if (Result<> posted = send(); !posted) return posted;
    batch.items.push_back(std::move(item));
    sockets.push_back(fd);
    return {};
  };
  const std::uint32_t workers = tenant_.settings.workers;
  for (std::uint32_t endpoint = 0; endpoint < tenant_.endpoints.size(); ++endpoint) {
    for (const std::shared_ptr<BoundAddress>& address : tenant_.endpoints[endpoint].addresses)
      for (const BoundAddress::Socket& socket : address->sockets_of(index_, workers, which)) {
        if (given_.contains(socket.number)) continue;
        if (Result<> given =
                give({.socket = socket.number, .endpoint_index = endpoint, .address = address->bound()}, socket.fd);
            !given)
          return given;
      }
    for (const std::unique_ptr<DatagramShare>& share : tenant_.endpoints[endpoint].datagrams)
      for (const DatagramShare::Socket& socket : share->sockets_of(index_, workers, turn))
        if (Result<> given = give({.socket = socket.number,
                                   .endpoint_index = endpoint,
                                   .address = share->bound(),
                                   .duty = socket.duty,
                                   .place = socket.place,
                                   .places = socket.places},
                                  socket.fd);
            !given)
          return given;
  }
  return sockets.empty() ? Result<>() : send();
}

void Process::attend() {
  scope_.spawn([this] { return log_.run(); });
  scope_.spawn([this] { return listen(); });
  scope_.spawn([this] { return send(); });
}

Task<> Process::listen() {
  for (;;) {
    Result<ipc::SupervisorEnd::Received> received = co_await channel_.receive(Deadline::never());
    if (received) {
      owner_.heard(received->message);
      continue;
    }
    if (received.error().code() == Code::kProtocol) {
      owner_.misbehaved(received.error().message());
      co_return;
    }
    // the channel is closed: it is ending, or has closed what it needs
    co_await loop_.sleep(kGoodbye);
    owner_.misbehaved("it closed its channel and did not end");
    co_return;
  }
}

Task<> Process::send() {
  const Error error = co_await channel_.pump(kPatience);
  if (error.code() == Code::kTimeout) owner_.misbehaved("it does not read its channel");
}

Task<ExitReason> Process::ended() {
  for (;;) {
    co_await end_.readable.wait(loop_, Deadline::never());
    Result<ExitReason> reason = reap_process(pidfd_.get());
    if (!reason && reason.error().code() == Code::kInternal) {
      end_.readable.clear();  // the first edge is a question, not an answer
      continue;
    }
    reaped_ = true;
    scope_.cancel();
    log_.drain();
    co_return reason ? *reason
                     : ExitReason{.kind = ExitReason::Kind::kExited, .number = -1, .why = reason.error().message()};
  }
}

void Process::kill() {
  if (!reaped_) (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

void Process::add_protections(const ipc::Protections& from_worker) {
  for (const ipc::Protections::Item& item : from_worker.items)
    protections_.push_back({.name = item.name, .on = item.on, .why = item.why});
}

}  // namespace sluice::supervisor
